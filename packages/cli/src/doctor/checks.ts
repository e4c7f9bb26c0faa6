import { catalogueCheck } from './check-catalogue.ts';
import { clockCheck } from './check-clock.ts';
import { emergencyCheck } from './check-emergency.ts';
import { keysCheck } from './check-keys.ts';
import { outboxCheck } from './check-outbox.ts';
import { roleCheck } from './check-role.ts';
import { migrationsCheck, protectionCheck } from './check-schema.ts';
import { sealingCheck } from './check-sealing.ts';
import { serverCheck } from './check-server.ts';
import { sinksCheck } from './check-sinks.ts';
import { siteCheck } from './check-site.ts';
import { spoolCheck } from './check-spool.ts';
import type { Check } from './examination.ts';

/** In the order in which they are told: what makes others fail comes first. */
export const checks: readonly Check[] = [
  migrationsCheck,
  serverCheck,
  protectionCheck,
  roleCheck,
  clockCheck,
  keysCheck,
  sealingCheck,
  sinksCheck,
  spoolCheck,
  outboxCheck,
  emergencyCheck,
  catalogueCheck,
  siteCheck,
];
