/** Not all digits: those are the number of a process, wherever a box may be named by either. */
const NAME = /^(?!\d+$)[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;

export const isBoxName = (name: string): boolean => NAME.test(name);

export const NAME_RULE =
  'must be 1 to 64 letters, digits, "_", "." and "-", begin with a letter or a digit, and not be all digits';
