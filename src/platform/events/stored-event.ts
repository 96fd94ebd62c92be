import { type RunEventPayload, runEventPayload } from '../../domain/run-events.js';
import { isTerminal } from '../../domain/run-lifecycle.js';

export interface StoredRunEvent {
  runId: string;
  sequence: number;
  createdAt: Date;
  payload: RunEventPayload;
}

/** A row of the event log as what it was written from. */
export function parseRunEvent(row: {
  runId: string;
  sequence: number;
  type: string;
  payload: unknown;
  createdAt: Date;
}): StoredRunEvent {
  const { runId, sequence, createdAt, type } = row;
  const payload = runEventPayload.parse({ ...(row.payload as object), type });
  return { runId, sequence, createdAt, payload };
}

/** Whether nothing comes after it. */
export const endsRun = ({ payload }: StoredRunEvent): boolean =>
  payload.type === 'STATE_CHANGED' && isTerminal(payload.to);
