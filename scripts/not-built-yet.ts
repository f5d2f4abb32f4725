/** The name of an npm script whose subject is not there yet; the vocabulary of scripts is complete from the start. */
const [, , script = 'this script'] = process.argv;

process.stderr.write(
  `npm run ${script}: not built yet. What works today is listed in the README under "Commands"; nothing was done.\n`,
);
process.exit(1);
