import { keysInUse } from '@countersign/core';
import type { Check } from './examination.ts';
import { counted, type Finding, fault, notAsked, warning, well } from './finding.ts';

/** Whether every row opens under a key that was given. */
export const keysCheck: Check = {
  subject: 'Keys',
  async look({ store, keyring }) {
    if (keyring === null)
      return [
        notAsked(
          'No keys were given: whether every row opens was not checked.',
          'Give --keys, or set COUNTERSIGN_KEYS.',
        ),
      ];
    const { inUse, unreadable } = await keysInUse({ store, keyring });
    const findings: Finding[] = [];
    const absent = [...inUse.keys()].filter((id) => !keyring.ids.includes(id));
    for (const id of absent)
      findings.push(
        fault(
          `${counted(inUse.get(id) ?? 0, 'row')} lie under the key ${id}, which was not given.`,
          'Add the key under its old id to keys.all.',
        ),
      );
    if (unreadable > 0)
      findings.push(
        fault(
          `${counted(unreadable, 'row')} fit no key that was given: they were altered, or their key is missing or another.`,
          'Bring back the key, or look for FACTOR_TAMPERED and SETTINGS_TAMPERED on the log and reset what was altered.',
        ),
      );
    const old = [...inUse].filter(([id]) => id !== keyring.current && keyring.ids.includes(id));
    for (const [id, rows] of old)
      findings.push(
        warning(
          `${counted(rows, 'row')} still lie under ${id}, which is not the current key.`,
          `Run: countersign rotate-keys --drop ${id}.`,
        ),
      );
    const current = inUse.get(keyring.current) ?? 0;
    return findings.length > 0
      ? findings
      : [well(`${counted(current, 'row')} under ${keyring.current}, and none that does not open.`)];
  },
};
