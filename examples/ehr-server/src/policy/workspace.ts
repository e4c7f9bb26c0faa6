/** This EHR serves one organisation. */
export const workspaceId = 'clinic';
