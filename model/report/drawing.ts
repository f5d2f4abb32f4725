import sharp, { type Sharp } from 'sharp';

// Where libvips must refuse everything but photos (VIPS_BLOCK_UNTRUSTED), our own drawings are still to be trusted;
// photos are told by their first bytes before sharp sees them.
sharp.unblock({ operation: ['VipsForeignLoadSvgBuffer'] });

/** An SVG of our own, to be turned into pixels. */
export const drawing = (svg: string): Sharp => sharp(Buffer.from(svg));
