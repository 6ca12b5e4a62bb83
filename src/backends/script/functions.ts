/**
 * Functions of bash that operations call, before a box is started or inside it. Each is a file in templates/functions/ and is in a script only if
 * something there calls it.
 */
const FUNCTIONS = {
  write_init: [],
  make_init: ['write_init'],
  find_in_root: [],
  check_covered: ['find_in_root'],
  go_to: [],
  mount_point: ['find_in_root', 'go_to'],
  check_mount: [],
  list_mounts: [],
  mount_table: ['check_mount'],
  add_mount: ['list_mounts', 'mount_table'],
  mount_cgroups: ['go_to'],
  add_mount_flags: [],
  make_read_only: ['add_mount_flags'],
  find_hierarchy: [],
  no_controller: [],
  enable_controllers: [],
  find_unified: ['enable_controllers'],
  find_cgroups: ['find_hierarchy', 'find_unified', 'no_controller'],
  make_cgroups: [],
  set_limit: [],
  remove_cgroups: [],
} as const satisfies Readonly<Record<string, readonly string[]>>;

type FunctionName = keyof typeof FUNCTIONS;

/** In the order in which a script has them: whoever is called comes before who calls. */
export const FUNCTION_NAMES = Object.keys(FUNCTIONS).filter(isFunctionName);

function isFunctionName(name: string): name is FunctionName {
  return name in FUNCTIONS;
}

/** What is called in these pieces of bash, and what that calls. */
export function functionsCalled(pieces: readonly string[]): readonly FunctionName[] {
  const isCalled = (name: string) => pieces.some(piece => new RegExp(`\\b${name}\\b`).test(piece));
  const needed = new Set<FunctionName>();
  const add = (name: FunctionName) => {
    needed.add(name);
    for (const other of FUNCTIONS[name]) add(other);
  };
  for (const name of FUNCTION_NAMES.filter(isCalled)) add(name);
  return FUNCTION_NAMES.filter(name => needed.has(name));
}
