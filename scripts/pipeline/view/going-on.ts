import type { Ended } from '../carry-out.ts';

const RESUME = 'npm run pipeline -- --resume';

/** What to type to go on; nothing where that would not help. */
export const goingOn = ({ status, resumable }: Pick<Ended, 'status' | 'resumable'>): string | undefined => {
  if (!resumable) return undefined;
  return status === 'Stopped'
    ? `It was stopped. Go on with it: ${RESUME}`
    : `What is done is kept. If the reason lies outside of the parameters, mend it and go on: ${RESUME}`;
};
