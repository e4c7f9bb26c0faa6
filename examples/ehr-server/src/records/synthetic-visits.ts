/** What an invented appointment of a category may be about. Every line is made up; the notes are what must not leak. */
export interface SyntheticVisit {
  readonly categoryId: string;
  readonly minutes: number;
  /** How often against the others, once a day has one of each. */
  readonly weight: number;
  readonly titles: readonly string[];
  readonly notes: readonly string[];
}

export const syntheticVisits: readonly SyntheticVisit[] = [
  {
    categoryId: '1',
    minutes: 30,
    weight: 5,
    titles: ['Annual check-up', 'Sore throat', 'Back pain', 'New patient visit', 'Blood pressure check'],
    notes: ['Synthetic: no acute findings.', 'Synthetic: exercises explained, leaflet given.', ''],
  },
  {
    categoryId: '2',
    minutes: 20,
    weight: 4,
    titles: ['Follow-up after laboratory tests', 'Medication review', 'Wound check', 'Telephone follow-up'],
    notes: ['Synthetic: values within range.', 'Synthetic: continue as before, see again in six weeks.'],
  },
  {
    categoryId: '3',
    minutes: 15,
    weight: 3,
    titles: ['Influenza vaccination', 'Tetanus booster', 'Travel vaccination'],
    notes: ['Synthetic: left arm, no reaction after 15 minutes.', ''],
  },
  {
    categoryId: '5',
    minutes: 120,
    weight: 2,
    titles: ['Ketamine infusion, first session', 'Ketamine infusion, series', 'Ketamine infusion, maintenance'],
    notes: [
      'Synthetic: 0.5 mg/kg over 40 minutes, monitored, brief dissociation, escort home arranged.',
      'Synthetic: mood score improved since last session; blood pressure steady throughout.',
    ],
  },
  {
    categoryId: '8',
    minutes: 50,
    weight: 4,
    titles: ['Psychotherapy, individual', 'Psychotherapy, intake', 'Psychotherapy, couple'],
    notes: [
      'Synthetic: worked on the exposure hierarchy; homework agreed.',
      'Synthetic: grief after a loss in the family; safety plan reviewed, no present risk.',
    ],
  },
  {
    categoryId: '12',
    minutes: 60,
    weight: 3,
    titles: ['Buprenorphine induction', 'Relapse prevention group', 'Substance use counselling'],
    notes: [
      'Synthetic: withdrawal score 9, first dose given on site, return tomorrow.',
      'Synthetic: twelve weeks abstinent; triggers reviewed, naloxone kit renewed.',
    ],
  },
];
