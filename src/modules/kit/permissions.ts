/** Who may do what. A service's first line asks here; what is not in the table is denied. */
import { TeddyhubError } from '../../domain/errors.js';
import type { Viewer } from '../../domain/viewer.js';
import type { NodeType } from './node.js';

const EVERYBODY_BUT_WORKERS = ['ADMIN', 'OPERATOR', 'VIEWER'] as const;
const OPERATORS = ['ADMIN', 'OPERATOR'] as const;

/** Keys are for ADMINs alone and history for operators, by whatever path; everything else that has an id may be read. */
export const readPermission = (type: NodeType): Permission => {
  if (type === 'ApiKey') return 'apiKey:manage';
  return type === 'AuditEvent' ? 'audit:read' : 'object:read';
};

const PERMISSIONS = {
  'object:read': EVERYBODY_BUT_WORKERS,
  'dataset:import': OPERATORS,
  'dataset:edit': OPERATORS,
  'teacherPool:train': OPERATORS,
  'teacherPool:cancel': OPERATORS,
  'teacherPool:edit': OPERATORS,
  'distillationRun:start': OPERATORS,
  'distillationRun:cancel': OPERATORS,
  'distillationRun:edit': OPERATORS,
  'evaluation:start': OPERATORS,
  'evaluation:cancel': OPERATORS,
  'distilledSet:publish': OPERATORS,
  'distilledSet:share': OPERATORS,
  'object:archive': OPERATORS,
  'object:delete': ['ADMIN'],
  'audit:read': OPERATORS,
  'apiKey:manage': ['ADMIN'],
} as const satisfies Record<string, readonly Viewer['role'][]>;

export type Permission = keyof typeof PERMISSIONS;

/** Throws FORBIDDEN. */
export function assertAllowed(viewer: Viewer, permission: Permission): void {
  const roles: readonly Viewer['role'][] = PERMISSIONS[permission];
  if (!roles.includes(viewer.role)) {
    throw new TeddyhubError('FORBIDDEN', `A key with the role ${viewer.role} may not do this (${permission}).`);
  }
}
