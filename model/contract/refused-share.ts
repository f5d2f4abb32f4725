/** Share of held-out photos of the classes that may be refused. A refused flower costs its person a second photo. */
export const REFUSED_SHARE = 0.05;
