import type { Guard, Web } from '@countersign/web';

/** The definitions behind our middlewares, so that `coverage` knows a guard when it sees one. */
export const guardDefinitions = new WeakMap<object, Guard<never, unknown>>();

/** Our routers, which hold routes of ours. */
export const ourRouters = new WeakMap<object, Web>();
