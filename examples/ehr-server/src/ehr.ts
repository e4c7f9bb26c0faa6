import { hkdfSync } from 'node:crypto';
import type { Countersign } from '@countersign/core';
import { type Logger, pino } from 'pino';
import { type DemoAccount, demoAccounts, demoPassword } from './accounts/demo-accounts.ts';
import { demoMessages } from './accounts/demo-messages.ts';
import { hashPassword } from './accounts/password.ts';
import type { Environment } from './environment.ts';
import { createStepUp } from './policy/step-up.ts';
import { dayOf } from './records/calendar-day.ts';
import { openDatabase } from './records/database.ts';
import { prepareRecords } from './records/prepare.ts';
import { createRecords, type Records } from './records/repository.ts';
import { type AssetName, assetNames, loadAssets } from './routes/assets.ts';
import { type ClinicPages, createClinicPages } from './routes/clinic-pages.tsx';
import { createDemo, type Demo } from './routes/demo.tsx';
import { createFaultReply } from './routes/faults.tsx';
import { createFhir, type Fhir } from './routes/fhir.ts';
import { createJsonApi, type JsonApi } from './routes/json-api.ts';
import type { Reply } from './routes/reply.ts';
import { createSignIn, type SignIn } from './routes/sign-in.tsx';

/** The whole EHR but for HTTP: what a server file registers routes over. */
export interface Ehr {
  readonly environment: Environment;
  readonly log: Logger;
  readonly now: () => Date;
  readonly countersign: Countersign;
  readonly records: Records;
  readonly demoAccounts: readonly DemoAccount[];
  /** Signs the EHR's session cookies. */
  readonly sessionSecret: string;
  readonly signIn: SignIn;
  readonly clinic: ClinicPages;
  readonly api: JsonApi;
  readonly fhir: Fhir;
  /** Null in production. */
  readonly demo: Demo | null;
  readonly assetNames: readonly AssetName[];
  readonly asset: (name: AssetName) => Reply;
  readonly fault: (status: number, path: string) => Reply;
  close(): Promise<void>;
}

/** Opens the database, prepares schema and data, starts Countersign, and builds the handlers. */
export async function createEhr(environment: Environment, now: () => Date = () => new Date()): Promise<Ehr> {
  const { ehrSecret, production, publicUrl } = environment;
  const asset = await loadAssets();
  const accounts = demoAccounts(ehrSecret);
  const messages = demoMessages(accounts, now);
  const { database, client, close: closeDatabase } = await openDatabase(environment);
  const stepUp = await prepare().catch(async (error: unknown) => {
    await closeDatabase();
    throw error;
  });
  const records = createRecords(database);
  const fhir = createFhir(records, publicUrl);
  return {
    environment,
    log: pino({ level: 'warn' }, pino.destination(2)),
    now,
    countersign: stepUp.countersign,
    records,
    demoAccounts: accounts,
    sessionSecret: Buffer.from(hkdfSync('sha256', ehrSecret, '', 'example-ehr session', 32)).toString('base64url'),
    signIn: createSignIn(records, { demo: !production, now }),
    clinic: createClinicPages(records, now),
    api: createJsonApi(records, now),
    fhir,
    demo: production ? null : createDemo(accounts, messages, now),
    assetNames,
    asset,
    fault: createFaultReply(fhir),
    async close() {
      await stepUp.countersign.close();
      await stepUp.store.close();
      await closeDatabase();
    },
  };

  async function prepare() {
    const people = accounts.map(({ username, displayName, roles }) => ({ username, displayName, roles }));
    const today = dayOf(now());
    await prepareRecords(database, { today, accounts: people, hashPassword: () => hashPassword(demoPassword) });
    return await createStepUp(environment, client, accounts, messages);
  }
}
