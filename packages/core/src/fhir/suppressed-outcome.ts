/** What stands in the place of what is withheld: that something is, and nothing else. Its issue type is `suppressed`. */
export interface SuppressedOutcome {
  readonly resourceType: 'OperationOutcome';
  readonly issue: readonly [
    { readonly severity: 'information'; readonly code: 'suppressed'; readonly details: { readonly text: string } },
  ];
}

/** https://hl7.org/fhir/R4/valueset-issue-type.html: "Some information was not or may not have been returned". */
export const suppressedOutcome = (): SuppressedOutcome => ({
  resourceType: 'OperationOutcome',
  issue: [
    {
      severity: 'information',
      code: 'suppressed',
      details: { text: 'Some of what was asked for is withheld until a step-up.' },
    },
  ],
});
