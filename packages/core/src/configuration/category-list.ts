import { CountersignError } from '../errors/countersign-error.ts';

/**
 * Reads the comma list that OpenEMR keeps in its global `stepup_mfa_categories` (`5,8,12`): ids in order, each once; blanks are
 * forgiven, an empty text is an empty list. Throws `input_invalid` where something else than digits stands between the commas.
 */
export function parseCategoryList(list: string): readonly string[] {
  if (list.trim() === '') return [];
  const ids = list.split(',').map((part) => part.trim());
  if (list.length > 4096 || ids.some((id) => !/^\d{1,18}$/.test(id))) {
    throw new CountersignError('input_invalid', {
      field: 'stepup_mfa_categories',
      detail: 'stepup_mfa_categories is a list of category numbers with commas between them.',
      cure: 'Write it like 5,8,12.',
    });
  }
  return [...new Set(ids.map((id) => id.replace(/^0+(?=\d)/, '')))];
}
