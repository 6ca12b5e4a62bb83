import { decoded } from './attempts.js';
import type { Mount } from './inspection.js';

/**
 * The lines of a mount table.
 *
 * @param mountinfo /proc/PID/mountinfo, a character for each byte: proc_pid_mountinfo(5).
 */
export function mountTable(mountinfo: string): readonly Mount[] {
  return mountinfo.split('\n').flatMap(line => {
    // No field has a space in it: the kernel writes it as \040.
    const fields = line.split(' ');
    const end = fields.indexOf('-', OPTIONAL);
    const [id, parent, device = '', root = '', point = '', options = ''] = fields;
    const [type = '', source = '', superOptions = ''] = fields.slice(end + 1);
    if (end < 0) return [];
    return [
      {
        id: Number(id),
        parent: Number(parent),
        device,
        root: unescaped(root),
        point: unescaped(point),
        options: options.split(','),
        propagation: fields.slice(OPTIONAL, end),
        type: unescaped(type),
        source: unescaped(source),
        superOptions: unescaped(superOptions),
      },
    ];
  });
}

const OPTIONAL = 6;

const unescaped = (field: string): string =>
  decoded(field.replace(/\\([0-3][0-7]{2})/g, (_, digits) => String.fromCharCode(Number.parseInt(digits, 8))));
