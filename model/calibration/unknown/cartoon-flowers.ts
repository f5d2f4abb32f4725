import { uniform } from '../../random.ts';
import { colour, type Draw, ground, svg, times, whole } from './canvas.ts';

/** A flower as a child draws it: petals around a disc, on a stalk. It is none that the model was shown. */
export const cartoonFlower: Draw = (random) => {
  const [x, y] = [uniform(random, 180, 268), uniform(random, 150, 210)];
  const petals = whole(random, 5, 9);
  const [length, width] = [uniform(random, 55, 85), uniform(random, 24, 42)];
  const fill = colour(random, [60, 95], [45, 75]);
  return svg(
    ground(colour(random, [30, 80], [70, 95])),
    `<path d="M${x} ${y}Q${x + uniform(random, -40, 40)} 330 ${x} 448" stroke="#3c8f3c" stroke-width="12" fill="none"/>`,
    times(
      petals,
      (index) =>
        `<ellipse cx="${x}" cy="${y - length}" rx="${width}" ry="${length}" fill="${fill}" stroke="#333" stroke-width="4" transform="rotate(${(index * 360) / petals} ${x} ${y})"/>`,
    ),
    `<circle cx="${x}" cy="${y}" r="${uniform(random, 28, 46)}" fill="${colour(random, [60, 95], [40, 65])}" stroke="#333" stroke-width="4"/>`,
  );
};
