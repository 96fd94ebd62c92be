/**
 * How Node runs the command. All that a request awaits carries its trace (platform/telemetry/), which Node 22 does, unless told
 * so, by a hook in JavaScript at every promise; as Node 24 does it by itself, the engine carries it. And a request's objects are
 * gone with it: where young ones have room for some dozens of requests, few are copied around before they are.
 */
export const NODE_FLAGS = ['--experimental-async-context-frame', '--max-semi-space-size=32'];
