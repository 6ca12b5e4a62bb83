import { cgroupPlaces } from '../../src/host/cgroup/places.js';
import { makeRoom } from '../../src/host/cgroup/room.js';
import type { Question } from './table.js';

/** What the ffi backend decides where it runs: a line for each place, or why there is none. */

function answer({ controllers, everywhere, parent, optional = [] }: Question): readonly string[] {
  const { places, room } = cgroupPlaces({ kind: 'make-cgroup', controllers, everywhere, parent, optional }, []);
  if (room !== undefined) makeRoom(room);
  return [
    ...places.flatMap(({ version, controllers: wanted, parent: directory, directory: { of } }) =>
      (wanted.length > 0 ? wanted : [version === 1 ? of.replace('cgroup of ', '') : 'unified']).map(
        name => `${name} v${version} ${directory}`,
      ),
    ),
    ...places.flatMap(({ enable }) => enable.map(on => `${on.directory} +${on.controllers.join(' +')}`)),
  ].sort();
}

function said(question: Question): readonly string[] {
  try {
    return answer(question);
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  }
}

console.log(JSON.stringify(said(JSON.parse(process.argv[2] ?? ''))));
