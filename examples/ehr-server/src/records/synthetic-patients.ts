import { dayOf } from './calendar-day.ts';
import type { Patient } from './patient.ts';
import { seededRandom } from './random.ts';

const givenNames = [
  ...[
    'Alder',
    'Aster',
    'Basil',
    'Briar',
    'Cedar',
    'Clover',
    'Fern',
    'Hazel',
    'Heather',
    'Iris',
    'Ivy',
    'Jasmine',
    'Juniper',
  ],
  ...[
    'Laurel',
    'Linden',
    'Marigold',
    'Olive',
    'Poppy',
    'Rowan',
    'Sage',
    'Sorrel',
    'Tansy',
    'Thistle',
    'Willow',
    'Yarrow',
  ],
];
const familyNames = [
  ...['Demosson', 'Exampler', 'Fakerly', 'Fictionby', 'Inventwell', 'Mockridge', 'Notareal'],
  ...['Placeholt', 'Pretendale', 'Sampleton', 'Synthesen', 'Testwick'],
];
const genders = ['female', 'male', 'female', 'male', 'other', 'unknown'] as const;
const earliestBirth = Date.UTC(1935, 0, 1);
const birthDays = 82 * 365;

/** 300 people who do not exist, always the same, no name twice. */
export function syntheticPatients(): readonly Patient[] {
  const random = seededRandom('patients');
  const names = givenNames.flatMap((givenName) => familyNames.map((familyName) => ({ givenName, familyName })));
  return random.shuffled(names).map((name, index) => ({
    id: `p-${String(index + 1).padStart(4, '0')}`,
    ...name,
    gender: random.pick(genders),
    birthDate: dayOf(new Date(earliestBirth + random.below(birthDays) * 86_400_000)),
  }));
}
