import type { Configuration } from '../configuration/configuration.ts';
import { CountersignError } from '../errors/countersign-error.ts';
import type { Factor } from '../factors/factor.ts';

/** The kind of factor of this id. Throws `factor_not_accepted` where there is none, or none that is enrolled here. */
export function enrollableFactor({ factors }: Pick<Configuration, 'factors'>, id: string): Factor {
  const factor = factors.find((candidate) => candidate.id === id);
  if (factor?.invite === undefined) throw new CountersignError('factor_not_accepted', { field: 'factor' });
  return factor;
}
