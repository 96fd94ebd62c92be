import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';

export interface TakenPort {
  port: string;
  free: () => void;
}

/** A port of this machine that somebody else listens on. */
export async function takePort(): Promise<TakenPort> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: String((server.address() as AddressInfo).port), free: () => void server.close() };
}
