/**
 * Functions of bash that operations call, before a box is started or inside it. Each is a file in templates/functions/ and is in a script only if
 * something there calls it.
 */
const FUNCTIONS = {
  await_child: [],
  set_terminal: [],
  make_terminal: [],
  add_terminal: [],
  use_terminal: [],
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
  show_cgroups: ['mount_cgroups'],
  find_hierarchy: [],
  no_controller: [],
  refuse_cgroup: [],
  named_cgroup: [],
  find_lacking: [],
  is_domain: [],
  has_controllers: [],
  switch_on: [],
  find_strangers: [],
  make_room: ['find_lacking', 'find_strangers', 'refuse_cgroup', 'switch_on'],
  find_nearest: [
    'find_lacking',
    'find_strangers',
    'has_controllers',
    'is_domain',
    'make_room',
    'refuse_cgroup',
    'switch_on',
  ],
  find_named: ['find_nearest', 'named_cgroup'],
  find_unified: ['find_named'],
  find_cgroups: ['find_hierarchy', 'find_unified', 'no_controller'],
  name_cgroups: [],
  make_cgroups: [],
  limit_hint: [],
  set_limit: ['limit_hint'],
  write_stats: [],
  killed_for_memory: [],
  freeze_cgroup: [],
  thaw_cgroups: [],
  has_own_proc: [],
  remove_leftovers: ['has_own_proc'],
  end_cgroup: [],
  remove_cgroups: ['end_cgroup'],
  find_state_directory: [],
  json_word: [],
  find_first: [],
  release_name: [],
  abandon: ['release_name'],
  find_pid_namespace: ['has_own_proc'],
  claim_name: ['abandon', 'find_pid_namespace', 'json_word'],
  begin: [],
  check_end: [],
  start_detached: ['begin', 'check_end', 'find_first'],
  record_end: [],
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
