/** A proxy in front of an S3 server that fails as networks and servers do, on demand. */
import { request as ask, createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

export type Fault =
  /** The server's answer, with an S3 error of this code. */
  | { kind: 'STATUS'; status: number; code: string }
  /** The connection is reset instead of an answer. */
  | { kind: 'RESET' }
  /** The connection ends after so many bytes of the answer's body. */
  | { kind: 'CUT'; bytes: number }
  /** Nothing is ever answered. */
  | { kind: 'STALL' }
  /** A byte of what is sent arrives as another one. */
  | { kind: 'DAMAGE' }
  /** The answer's body comes in pieces of so many bytes, with a pause between them. */
  | { kind: 'SLOW'; bytes: number; pauseMs: number };

export interface FaultProxy {
  endpoint: string;
  /** Method and path of the requests so far. */
  readonly requests: string[];
  /** The next requests that match meet the fault; `times` of them (default: 1). */
  inject(fault: Fault, options?: { times?: number; matching?: RegExp }): void;
  /** Every request from now on is fine. */
  heal(): void;
  close(): Promise<void>;
}

export async function startFaultProxy(target: string, tls?: { key: string; cert: string }): Promise<FaultProxy> {
  const { hostname, port } = new URL(target);
  const requests: string[] = [];
  let faults: { fault: Fault; left: number; matching: RegExp }[] = [];

  const faultFor = (line: string): Fault | undefined => {
    const found = faults.find(({ left, matching }) => left > 0 && matching.test(line));
    if (found !== undefined) found.left -= 1;
    return found?.fault;
  };
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const line = `${request.method} ${request.url}`;
    requests.push(line);
    const fault = faultFor(line);
    if (fault?.kind === 'RESET') return void request.socket.resetAndDestroy();
    if (fault?.kind === 'STALL') return;
    const body = await buffer(request);
    if (fault?.kind === 'STATUS') {
      const xml = `<?xml version="1.0"?><Error><Code>${fault.code}</Code><Message>as the test wants it</Message></Error>`;
      response.writeHead(fault.status, { 'content-type': 'application/xml' });
      return void response.end(request.method === 'HEAD' ? undefined : xml);
    }
    if (fault?.kind === 'DAMAGE' && body.length > 0) body[body.length >> 1] = (body[body.length >> 1] ?? 0) ^ 1;
    // The signature binds the Host header, which therefore goes on as it came.
    const { method, url: path, headers } = request;
    const forwarded = ask({ hostname, port, method, path, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      relay(answer, response, fault).catch(() => response.destroy());
    });
    forwarded.on('error', () => request.socket.destroy());
    forwarded.end(body);
  };
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    serve(request, response).catch(() => response.destroy());
  };
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http${tls === undefined ? '' : 's'}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    inject: (fault, { times = 1, matching = /./ } = {}) => void faults.push({ fault, left: times, matching }),
    heal: () => {
      faults = [];
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function relay(answer: IncomingMessage, response: ServerResponse, fault: Fault | undefined): Promise<void> {
  if (fault?.kind === 'CUT') {
    const body = await buffer(answer);
    await new Promise<void>((resolve) => response.write(body.subarray(0, fault.bytes), () => resolve()));
    // An end that comes at once may take with it what the client has not read yet.
    await new Promise((resolve) => setTimeout(resolve, 300));
    return void response.socket?.destroySoon();
  }
  if (fault?.kind === 'SLOW') {
    const body = await buffer(answer);
    for (let at = 0; at < body.length; at += fault.bytes) {
      response.write(body.subarray(at, at + fault.bytes));
      await new Promise((resolve) => setTimeout(resolve, fault.pauseMs));
    }
    return void response.end();
  }
  answer.pipe(response);
}
