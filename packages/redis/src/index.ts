export type { RedisClient } from './bounded-redis.ts';
export { type RedisSessionStateOptions, redisSessionState } from './redis-session-state.ts';
