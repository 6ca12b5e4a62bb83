import { fieldName } from '../../box/problem.js';
import { CONTROLLERS, type Controller, type Limits, writeSettings } from '../cgroup.js';
import type { OperationKind } from '../operation.js';

/** Writes to files of version 2 of cgroups, as they are given. */
export interface LimitUnified {
  readonly kind: 'limit-unified';
  readonly files: Readonly<Record<string, string>>;
}

export const limitUnified: OperationKind<LimitUnified> & Limits<LimitUnified> = {
  describe: ({ files }) =>
    `write ${Object.entries(files)
      .map(([file, value]) => `${JSON.stringify(value)} to ${file}`)
      .join(', ')}`,

  settings: ({ files }) =>
    Object.entries(files).map(([file, value]) => {
      const controller = controllerOf(file);
      return {
        controller,
        field: fieldName(['resources', 'unified', file]),
        v1: {
          refused: `this host has the controller ${controller} in version 1 of cgroups, where there is no ${file}`,
        },
        v2: { file, value },
      };
    }),

  systemCalls: (operation, { cgroup }) => writeSettings(limitUnified.settings(operation), cgroup.places),
};

/** What begins with cgroup is of every cgroup of version 2, as freezing is. */
export const controllerOf = (file: string): Controller =>
  CONTROLLERS.find(controller => file.startsWith(`${controller}.`)) ?? 'freezer';
