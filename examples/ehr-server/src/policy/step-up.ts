import { hkdfSync } from 'node:crypto';
import { type Countersign, createCountersign, passkey, recoveryCodes, type Store, totp } from '@countersign/core';
import { openStore } from '@countersign/postgres';
import type { DemoAccount } from '../accounts/demo-accounts.ts';
import type { DemoMessages } from '../accounts/demo-messages.ts';
import type { Environment } from '../environment.ts';
import type { DatabaseClient } from '../records/database.ts';
import { categories } from './categories.ts';
import { workspaceId } from './workspace.ts';

export interface StepUpSetUp {
  readonly countersign: Countersign;
  readonly store: Store;
}

/** Countersign for this EHR: in the same database, with every category declared and the sensitive ones asking at first. */
export async function createStepUp(
  environment: Environment,
  client: DatabaseClient,
  demoAccounts: readonly DemoAccount[],
  demoMessages: DemoMessages,
): Promise<StepUpSetUp> {
  const store = await openStore(client.kind === 'postgres' ? client.sql : client.pglite);
  const countersign = await createCountersign({
    store,
    publicUrl: environment.publicUrl,
    // A real host takes its keys from a secret manager. Here one secret stands for all, so that a first run needs no set-up.
    keys: {
      current: 'k1',
      all: { k1: new Uint8Array(hkdfSync('sha256', environment.ehrSecret, '', 'example-ehr keyring k1', 32)) },
    },
    categories: categories.map(({ id, name, sensitive, codings }) => ({
      id,
      name,
      sensitive,
      codings: codings.map(({ system, code }) => ({ system, code })),
    })),
    factors: [passkey({ rpName: 'Example EHR' }), totp({ issuer: 'Example EHR' }), recoveryCodes()],
    roles: [
      { id: 'clinician', name: 'Clinician' },
      { id: 'administrator', name: 'Administrator', clinical: false },
    ],
    // Any clinician may, for one patient, with a reason; an administrator reviews it.
    emergencyAccess: { roles: ['clinician'] },
    isAdministrator: (principal) => principal.roles.includes('administrator'),
    // In earnest: smtpMail({ … }), twilioSms({ … }) and the EHR's own address book.
    ...(environment.production ? {} : { notices: demoMessages.notices }),
  });
  if (!environment.production) {
    for (const { username: userId, totpSecret: secret } of demoAccounts) {
      if (secret !== null) await countersign.enrolment.importFactor({ workspaceId, userId, factor: 'totp', secret });
    }
  }
  return { countersign, store };
}
