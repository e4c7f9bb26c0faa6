import { randomBytes } from 'node:crypto';
import { CountersignError, type SessionStateStore } from '@countersign/core';
import { BoundedRedis, type RedisClient } from './bounded-redis.ts';
import { RedisSessions } from './redis-sessions.ts';

/** Where Redis is, and how it is used. Either `url` or `client`. */
export interface RedisSessionStateOptions {
  /** `redis://…` or `rediss://…`: a connection of our own. */
  readonly url?: string;
  /** A client that the host has and has connected. It stays the host's to close. */
  readonly client?: RedisClient;
  /** What every key begins with. Default `countersign`. Up to 100 letters, digits or . _ : - */
  readonly prefix?: string;
  /** Seconds for which a session without a new challenge, proof or try is remembered. Default 86,400; 60 to 86,400. */
  readonly sessionSeconds?: number;
  /** Seconds after which a call to Redis is given up. Default 1; more than 0, at most 60. */
  readonly waitSeconds?: number;
}

/**
 * Session state in Redis 6.2 or newer, alone, with replicas or as a cluster, shared by every process that names the same Redis and
 * the same prefix. Each call is one script about keys of one slot. Everything has an end of life; what is lost to it, to
 * eviction, FLUSHALL or a failover is asked for again, and undoes no lock, sign-out or revocation.
 *
 * Connects by itself, and again. A call that Redis does not answer within `waitSeconds` rejects with `session_state_unavailable`.
 *
 * @throws CountersignError `configuration_invalid`
 */
export function redisSessionState(options: RedisSessionStateOptions): SessionStateStore {
  const { target, prefix, sessionSeconds, waitSeconds } = checkRedisOptions(options);
  return new RedisSessions({
    redis: new BoundedRedis(target, waitSeconds),
    prefix,
    life: sessionSeconds * 1000,
    randomWord: () => randomBytes(16).toString('base64url'),
  });
}

/** The options with their defaults. @throws CountersignError `configuration_invalid`, naming the option. */
export function checkRedisOptions(options: RedisSessionStateOptions) {
  const given: unknown = options;
  if (typeof given !== 'object' || given === null) throw invalid('options', 'No options were given.', needed);
  const { url, client, prefix = 'countersign', sessionSeconds = 86_400, waitSeconds = 1, ...rest } = options;
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined) throw invalid(unknown, `${unknown} is no option.`, 'Check the spelling, or remove it.');
  if (!/^[A-Za-z0-9._:-]{1,100}$/.test(prefix)) {
    throw invalid(
      'prefix',
      'prefix is not a text that keys can begin with.',
      'Use up to 100 letters, digits or . _ : -',
    );
  }
  if (!Number.isInteger(sessionSeconds) || sessionSeconds < 60 || sessionSeconds > 86_400) {
    throw invalid('sessionSeconds', 'sessionSeconds is out of bounds.', 'Give a whole number from 60 to 86400.');
  }
  if (typeof waitSeconds !== 'number' || !(waitSeconds > 0 && waitSeconds <= 60)) {
    throw invalid('waitSeconds', 'waitSeconds is out of bounds.', 'Give a number above 0, at most 60.');
  }
  return { target: targetOf(url, client), prefix, sessionSeconds, waitSeconds };
}

const needed = "Give { url: 'rediss://…' } or { client }.";

function targetOf(url: unknown, client: RedisClient | undefined): RedisClient | string {
  if ((url === undefined) === (client === undefined)) {
    throw invalid('url', 'Exactly one of url and client is needed.', needed);
  }
  if (client !== undefined) {
    const missing = (['get', 'set', 'hmGet', 'hGetAll', 'eval', 'evalSha'] as const).find(
      (name) => typeof Reflect.get(Object(client), name) !== 'function',
    );
    if (missing === undefined) return client;
    throw invalid('client', `client has no ${missing}().`, 'Give a client of the package redis.');
  }
  // The URL may hold a password, so it is not repeated.
  if (typeof url === 'string' && /^rediss?:\/\//.test(url) && URL.canParse(url)) return url;
  throw invalid('url', 'url is not a redis:// or rediss:// URL.', needed);
}

function invalid(field: string, detail: string, cure: string): CountersignError {
  return new CountersignError('configuration_invalid', {
    field: `redisSessionState.${field}`,
    detail: `redisSessionState: ${detail}`,
    cure,
  });
}
