// Made by `npm run openapi:client` from the OpenAPI document.
export interface paths {
    "/auth/mfa/verify": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Answers a challenge with a factor; without an answer it begins one, where the factor takes that */
        post: operations["verify"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/mfa/challenges/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** An open challenge of this session, and the factors that can answer it */
        get: operations["challenge"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/mfa/enroll": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Begins the enrolment of a factor, or with a first answer confirms it */
        post: operations["enrol"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/mfa/factors": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The principal’s own factors */
        get: operations["factors"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/mfa/factors/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Removes one of the principal’s factors */
        delete: operations["removeFactor"];
        options?: never;
        head?: never;
        /** Gives one of the principal’s factors another name */
        patch: operations["renameFactor"];
        trace?: never;
    };
    "/auth/mfa/lift": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Lets capped factors count in full, by an administrator’s one-time code */
        post: operations["liftCaps"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/session": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Who is signed in, the factors enrolled, and the proofs held with the seconds they have left */
        get: operations["session"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/session/sign-out-others": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Ends every other session of the principal */
        post: operations["signOutOthers"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/break-glass/options": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whether emergency access is available for a patient or purpose, and what it asks for */
        get: operations["emergencyOptions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/break-glass": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The principal’s own emergency access that is open or waits, and what waits for their approval */
        get: operations["breakGlassOwn"];
        put?: never;
        /** Opens emergency access, or asks a second person to approve it */
        post: operations["breakGlass"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/break-glass/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One emergency access, for its person and for administrators */
        get: operations["breakGlassFind"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/break-glass/{id}/end": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Ends emergency access early, or withdraws a request for it */
        post: operations["breakGlassEnd"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/break-glass/{id}/approve": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Approves somebody else’s emergency access: it opens from now */
        post: operations["breakGlassApprove"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/break-glass/{id}/decline": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Declines somebody else’s request for emergency access */
        post: operations["breakGlassDecline"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/break-glass/{id}/review": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Signs an emergency access off, or escalates it */
        post: operations["breakGlassReview"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/break-glass/{id}/record": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What was opened in an emergency, as a record for the patient */
        get: operations["breakGlassRecord"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/break-glass": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A workspace’s emergency access, for administrators: overdue first where it waits for review */
        get: operations["breakGlassQueue"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/users/{userId}/factors": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Another user’s factors, for administrators */
        get: operations["adminUserFactors"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/users/{userId}/reset": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Resets a user’s factor */
        post: operations["adminReset"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/users/{userId}/enrolment-code": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Issues a one-time code with which a user enrols a factor */
        post: operations["adminEnrolmentCode"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/settings": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A workspace’s settings, what code allows, and what waits for a second administrator */
        get: operations["settingsRead"];
        /** Saves a workspace’s settings whole, or proposes them to a second administrator (202) */
        put: operations["settingsReplace"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/settings/preview": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Who would have been asked in the last seven days, had these settings been in force */
        post: operations["settingsPreview"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/settings/proposal": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Approves or rejects settings that another administrator proposed, or withdraws one’s own */
        post: operations["settingsDecide"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Events of a workspace’s audit log, by any criteria and in any order */
        get: operations["auditList"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/audit/events/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One event of the audit log, with the proof that it is in the sealed log */
        get: operations["auditEventRead"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/audit/patient": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Who opened a patient’s records, when and under which basis; reading it is audited */
        get: operations["patientReportRead"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/audit/export": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A workspace’s audit log as a file, streamed; takes a fresh proof, and is audited */
        get: operations["auditExportRead"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/openapi.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** This interface as an OpenAPI 3.1 document */
        get: operations["openApi"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        SettingsInput: {
            enabled: boolean;
            categories: string[];
            graceSeconds: number;
            /** @default {} */
            categoryPolicies: {
                [key: string]: {
                    graceSeconds?: number;
                    /** @enum {string} */
                    strength?: "any" | "multi-factor" | "phishing-resistant";
                    /** @enum {string} */
                    scope?: "patient" | "category";
                    actions?: string[];
                };
            };
            /** @default [] */
            reauthenticateActions: string[];
            /** @default [] */
            exemptions: {
                /** @enum {string} */
                kind: "role" | "provider" | "treatment-relationship";
                /** @default null */
                value: string | null;
                /** @default null */
                categories: string[] | null;
            }[];
            /** @default null */
            mustEnrolRoles: string[] | null;
            /**
             * @default sensitive-only
             * @enum {string}
             */
            untilEnrolled: "sensitive-only" | "refuse";
            /** @default {} */
            roleLimits: {
                [key: string]: {
                    idleSeconds?: number;
                    absoluteSeconds?: number;
                };
            };
            /** @default false */
            secondAdministrator: boolean;
            /** @default {} */
            emergencyAccess: {
                /** @default true */
                enabled: boolean;
                /** @default null */
                roles: string[] | null;
                /** @default null */
                windowSeconds: number | null;
            };
        };
        VerifyRequest: {
            challengeId: string;
            /** @default totp */
            factor: string;
            code?: string;
            password?: string;
            response?: {
                [key: string]: unknown;
            } | string;
        } & {
            [key: string]: unknown;
        };
        EnrolRequest: {
            /** @default totp */
            factor: string;
            code?: string;
            response?: {
                [key: string]: unknown;
            } | string;
            label?: string;
            enrolmentCode?: string;
        } & {
            [key: string]: unknown;
        };
        RenameFactorRequest: {
            label: string;
        };
        LiftCapsRequest: {
            enrolmentCode: string;
        };
        BreakGlassRequest: {
            /**
             * @default clinical
             * @enum {string}
             */
            purpose: "clinical" | "administrative";
            /** @default null */
            patientId: string | null;
            /** @default  */
            reason: string;
            /** @default  */
            purposeOfUse: string;
            recipient?: string;
            facility?: string;
            nature?: string;
        };
        BreakGlassDeclineRequest: {
            note: string;
        };
        BreakGlassReviewRequest: {
            /** @enum {string} */
            outcome: "signed-off" | "escalated";
            note: string;
        };
        AdminResetRequest: {
            factor: string;
            reason: string;
        };
        AdminEnrolmentCodeRequest: {
            reason: string;
        };
        SettingsReplaceRequest: {
            version: number;
            settings: components["schemas"]["SettingsInput"];
        };
        SettingsPreviewRequest: {
            settings: components["schemas"]["SettingsInput"];
        };
        SettingsDecideRequest: {
            /** @enum {string} */
            decision: "approve" | "reject" | "withdraw";
            proposal?: string;
        };
        Settings: {
            enabled: boolean;
            categories: string[];
            graceSeconds: number;
            /** @default {} */
            categoryPolicies: {
                [key: string]: {
                    graceSeconds?: number;
                    /** @enum {string} */
                    strength?: "any" | "multi-factor" | "phishing-resistant";
                    /** @enum {string} */
                    scope?: "patient" | "category";
                    actions?: string[];
                };
            };
            /** @default [] */
            reauthenticateActions: string[];
            /** @default [] */
            exemptions: {
                /** @enum {string} */
                kind: "role" | "provider" | "treatment-relationship";
                /** @default null */
                value: string | null;
                /** @default null */
                categories: string[] | null;
            }[];
            /** @default null */
            mustEnrolRoles: string[] | null;
            /**
             * @default sensitive-only
             * @enum {string}
             */
            untilEnrolled: "sensitive-only" | "refuse";
            /** @default {} */
            roleLimits: {
                [key: string]: {
                    idleSeconds?: number;
                    absoluteSeconds?: number;
                };
            };
            /** @default false */
            secondAdministrator: boolean;
            emergencyAccess: {
                /** @default true */
                enabled: boolean;
                /** @default null */
                roles: string[] | null;
                /** @default null */
                windowSeconds: number | null;
            };
        };
        /**
         * @description Closed within a release; a later release may add to it.
         * @enum {string}
         */
        ErrorCode: "configuration_invalid" | "category_unknown" | "guard_not_registered" | "store_not_migrated" | "clock_skewed" | "store_folder_in_use" | "spool_folder_in_use" | "checkpoint_key_invalid" | "checkpoint_invalid" | "audit_proof_invalid" | "audit_archive_invalid" | "store_closed" | "sign_in_required" | "session_ended" | "session_locked" | "person_required" | "principal_invalid" | "identity_unavailable" | "administrator_required" | "fresh_sign_in_required" | "step_up_required" | "factor_required" | "factor_not_accepted" | "operation_required" | "challenge_unknown" | "code_malformed" | "code_incorrect" | "answer_refused" | "password_required" | "code_already_used" | "attempts_delayed" | "factor_locked" | "factor_disabled" | "enrolment_code_refused" | "enrolment_code_required" | "factor_limit" | "last_factor" | "factors_changed" | "enrolment_unknown" | "resource_unavailable" | "resource_invalid" | "patient_unresolved" | "body_unreadable" | "response_withheld" | "input_invalid" | "draft_refused" | "cross_site_refused" | "not_found" | "settings_proposal_unknown" | "second_administrator_required" | "settings_conflict" | "audit_sort_too_wide" | "emergency_unavailable" | "emergency_not_eligible" | "emergency_review_overdue" | "emergency_reason_insufficient" | "emergency_field_required" | "emergency_ended" | "emergency_still_open" | "emergency_already_reviewed" | "emergency_own_review" | "settings_unknown" | "factor_unknown" | "store_unavailable" | "store_wait_exceeded" | "store_refused" | "session_state_unavailable" | "spool_unavailable" | "audit_backlog" | "audit_sealing_refused" | "key_unknown" | "identity_provider_unavailable" | "mail_unavailable" | "mail_refused" | "contacts_unavailable" | "sms_unavailable" | "sms_refused" | "internal";
        Problem: {
            /** @description `urn:countersign:error:` and the code */
            type: string;
            /** @description The same for every occurrence of the code */
            title: string;
            status: number;
            code: components["schemas"]["ErrorCode"];
            detail: string;
            /** @description The member of the request that is at fault */
            field?: string;
            /** @description What to do about it, in a sentence */
            cure?: string;
            problems?: ({
                field: string;
                problem: string;
            } & {
                [key: string]: unknown;
            })[];
            /** @description As the header `Retry-After` */
            retryAfterSeconds?: number;
            /** @description Tries before the factor is locked */
            attemptsLeft?: number;
            reasons?: ({
                /** @description `missing`, `expired`, `too-weak`, or why nothing would help */
                kind: string;
                category?: string;
                strength?: string;
                graceSeconds?: number;
            } & {
                [key: string]: unknown;
            })[];
            /** @description The challenge to answer */
            challengeId?: string;
            /** @description Its page, for a browser */
            challengeUrl?: string;
            /** @description Where this interface is */
            apiUrl?: string;
            /** @description Kinds of factor that can answer, the preferred first */
            factors?: string[];
            /**
             * Format: date-time
             * @description When the challenge ends
             */
            expiresAt?: string;
            /** @description Where emergency access is asked for, where this person may */
            emergencyUrl?: string;
            /** @description Where a factor is enrolled, with `factor_required` */
            enrolmentUrl?: string;
        } & {
            [key: string]: unknown;
        };
        VerifyReply: {
            /** @constant */
            verified: true;
            challengeId: string;
            /** Format: date-time */
            endsAt: string;
            returnTo: string | null;
            remaining?: number;
        } | {
            challengeId: string;
            factor: string;
            invitation: {
                [key: string]: unknown;
            };
        };
        ChallengeReply: {
            challengeId: string;
            action: string;
            categoryNames: string[];
            patientLabel?: string;
            summary: {
                title: string;
                lines: {
                    label: string;
                    value: string;
                }[];
            } | null;
            /** @enum {string} */
            strength: "any" | "multi-factor" | "phishing-resistant";
            reasons: ("missing" | "expired" | "too-weak")[];
            factors: {
                factor: string;
                withPassword: boolean;
                /** @enum {string} */
                answeredBy: "code" | "ceremony";
            }[];
            met: boolean;
            /** Format: date-time */
            expiresAt: string;
            returnTo: string | null;
        };
        EnrolReply: {
            factor: string;
            /** @constant */
            enrolled?: true;
        } & {
            [key: string]: unknown;
        };
        FactorsReply: {
            factors: {
                id: string;
                factor: string;
                label: string;
                /** Format: date-time */
                enrolledAt: string;
                usable: boolean;
                /** @enum {string} */
                strength: "any" | "multi-factor" | "phishing-resistant";
                cap: {
                    /** @enum {string} */
                    full: "any" | "multi-factor" | "phishing-resistant";
                    liftsAt: string | null;
                } | null;
                remaining: number | null;
            }[];
        };
        RenameFactorReply: {
            id: string;
            label: string;
        };
        RemoveFactorReply: {
            id: string;
            /** @constant */
            removed: true;
        };
        LiftCapsReply: {
            /** @constant */
            lifted: true;
        };
        SessionReply: {
            principal: {
                userId: string;
                workspaceId: string;
                displayName: string;
                roles: string[];
            };
            factors: {
                factor: string;
                /** @enum {string} */
                strength: "any" | "multi-factor" | "phishing-resistant";
                usable: boolean;
                cap: {
                    /** @enum {string} */
                    full: "any" | "multi-factor" | "phishing-resistant";
                    liftsAt: string | null;
                } | null;
                remaining: number | null;
            }[];
            proofs: {
                patientId: string;
                factor: string;
                /** @enum {string} */
                strength: "any" | "multi-factor" | "phishing-resistant";
                secondsLeft: number;
            }[];
            mustEnrol: boolean;
            emergencyAccess: {
                id: string;
                patientId: string | null;
                /** @enum {string} */
                purpose: "clinical" | "administrative";
                secondsLeft: number;
            }[];
            idleSecondsLeft: number | null;
        };
        SignOutOthersReply: {
            /** @constant */
            signedOut: true;
        };
        EmergencyOptionsReply: {
            available: boolean;
            refusal: string | null;
            purposesOfUse: string[];
            fields: {
                recipient: ("required" | "optional") | null;
                facility: ("required" | "optional") | null;
                nature: ("required" | "optional") | null;
            };
            windowSeconds: number;
            needsApproval: boolean;
            open: components["schemas"]["BreakGlassReply"] | null;
        };
        BreakGlassReply: {
            id: string;
            userId: string;
            /** @enum {string} */
            purpose: "clinical" | "administrative";
            /** Format: date-time */
            requestedAt: string;
            patientId: string | null;
            patientLabel: string | null;
            /** @enum {string} */
            status: "waiting" | "open" | "ended" | "declined";
            /** Format: date-time */
            openedAt: string;
            /** Format: date-time */
            endsAt: string;
            endedAt: string | null;
            endedBy: ("time" | "person") | null;
            approvedBy: string | null;
            secondsLeft: number;
            reason: string;
            purposeOfUse: string;
            recipient: string | null;
            facility: string | null;
            nature: string | null;
            reopens: string | null;
            review: {
                /** @enum {string} */
                outcome: "signed-off" | "escalated";
                note: string;
                by: string;
                /** Format: date-time */
                at: string;
            } | null;
            /** Format: date-time */
            reviewDueAt: string;
            overdue: boolean;
            url: string;
        };
        BreakGlassOwnReply: {
            own: components["schemas"]["BreakGlassReply"][];
            waitingForApproval: components["schemas"]["BreakGlassReply"][];
        };
        BreakGlassRecordReply: {
            emergencyAccessId: string;
            patientId: string | null;
            who: string;
            /** Format: date-time */
            from: string;
            /** Format: date-time */
            until: string;
            why: string;
            purposeOfUse: string;
            recipient: string | null;
            facility: string | null;
            nature: string | null;
            opened: {
                /** Format: date-time */
                at: string;
                action: string | null;
                categories: string[];
                route: string | null;
            }[];
        };
        BreakGlassQueueReply: {
            accesses: components["schemas"]["BreakGlassReply"][];
            next: string | null;
        };
        AdminUserFactorsReply: {
            userId: string;
            factors: {
                factor: string;
                label: string;
                /** Format: date-time */
                enrolledAt: string;
                /** @enum {string} */
                state: "usable" | "disabled" | "altered";
                capped: boolean;
            }[];
        };
        AdminResetReply: {
            userId: string;
            factor: string;
            /** @constant */
            reset: true;
        };
        AdminEnrolmentCodeReply: {
            userId: string;
            code: string;
            /** Format: date-time */
            expiresAt: string;
        };
        SettingsReadReply: {
            version: number;
            settings: components["schemas"]["Settings"];
            effective: {
                enabled: boolean;
                categories: {
                    id: string;
                    graceSeconds: number;
                    /** @enum {string} */
                    strength: "any" | "multi-factor" | "phishing-resistant";
                    /** @enum {string} */
                    scope: "patient" | "category";
                    actions: string[] | null;
                }[];
                reauthentication: {
                    action: string;
                    withinSeconds: number;
                    /** @enum {string} */
                    strength: "any" | "multi-factor" | "phishing-resistant";
                }[];
                mustEnrolRoles: string[];
            };
            changedAt: string | null;
            changedBy: string | null;
            bounds: {
                leastGraceSeconds: number;
                mostGraceSeconds: number;
                absoluteSeconds: number | null;
                strengths: ("any" | "multi-factor" | "phishing-resistant")[];
            };
            catalogue: {
                categories: {
                    id: string;
                    name: string;
                    /** @enum {string} */
                    strength: "any" | "multi-factor" | "phishing-resistant";
                    graceSeconds: number | null;
                    /** @enum {string} */
                    scope: "patient" | "category";
                    actions: string[] | null;
                    sensitive: boolean;
                }[];
                roles: {
                    id: string;
                    name: string;
                    clinical: boolean;
                }[];
                actions: string[];
                reauthenticateActions: {
                    action: string;
                    withinSeconds: number;
                    /** @enum {string} */
                    strength: "any" | "multi-factor" | "phishing-resistant";
                }[];
                treatmentRelationship: boolean;
            };
            proposal: {
                id: string;
                baseVersion: number;
                settings: components["schemas"]["Settings"];
                /** Format: date-time */
                proposedAt: string;
                proposedBy: string;
                loosening: {
                    kind: string;
                    about: string | null;
                }[];
            } | null;
            warnings: {
                kind: string;
                about: string | null;
            }[];
        };
        SettingsReplaceReply: {
            version: number;
            settings: components["schemas"]["Settings"];
            effective: {
                enabled: boolean;
                categories: {
                    id: string;
                    graceSeconds: number;
                    /** @enum {string} */
                    strength: "any" | "multi-factor" | "phishing-resistant";
                    /** @enum {string} */
                    scope: "patient" | "category";
                    actions: string[] | null;
                }[];
                reauthentication: {
                    action: string;
                    withinSeconds: number;
                    /** @enum {string} */
                    strength: "any" | "multi-factor" | "phishing-resistant";
                }[];
                mustEnrolRoles: string[];
            };
            changedAt: string | null;
            changedBy: string | null;
            bounds: {
                leastGraceSeconds: number;
                mostGraceSeconds: number;
                absoluteSeconds: number | null;
                strengths: ("any" | "multi-factor" | "phishing-resistant")[];
            };
            catalogue: {
                categories: {
                    id: string;
                    name: string;
                    /** @enum {string} */
                    strength: "any" | "multi-factor" | "phishing-resistant";
                    graceSeconds: number | null;
                    /** @enum {string} */
                    scope: "patient" | "category";
                    actions: string[] | null;
                    sensitive: boolean;
                }[];
                roles: {
                    id: string;
                    name: string;
                    clinical: boolean;
                }[];
                actions: string[];
                reauthenticateActions: {
                    action: string;
                    withinSeconds: number;
                    /** @enum {string} */
                    strength: "any" | "multi-factor" | "phishing-resistant";
                }[];
                treatmentRelationship: boolean;
            };
            proposal: {
                id: string;
                baseVersion: number;
                settings: components["schemas"]["Settings"];
                /** Format: date-time */
                proposedAt: string;
                proposedBy: string;
                loosening: {
                    kind: string;
                    about: string | null;
                }[];
            } | null;
            warnings: {
                kind: string;
                about: string | null;
            }[];
            saved: boolean;
        };
        SettingsPreviewReply: {
            /** Format: date-time */
            from: string;
            /** Format: date-time */
            until: string;
            cut: boolean;
            accesses: number;
            asked: {
                before: number;
                after: number;
            };
            refused: {
                before: number;
                after: number;
            };
            users: {
                before: number;
                after: number;
                userId: string;
            }[];
            categories: {
                before: number;
                after: number;
                categoryId: string | null;
            }[];
            people: number;
            withoutStrongFactor: number;
            unknown: string[];
            warnings: {
                kind: string;
                about: string | null;
            }[];
        };
        AuditListReply: {
            events: {
                id: string;
                /** Format: date-time */
                at: string;
                code: string;
                /** @enum {string} */
                outcome: "success" | "failure" | "refused";
                workspaceId: string | null;
                userId: string | null;
                actorId: string | null;
                session: string | null;
                patientId: string | null;
                categories: string | null;
                action: string | null;
                method: string | null;
                route: string | null;
                factor: string | null;
                reason: string | null;
                challengeId: string | null;
                emergencyAccessId: string | null;
                ip: string | null;
                userAgent: string | null;
                requestId: string | null;
                details: string | null;
                stream: string;
                index: number;
                /** @description Hex */
                hash: string;
            }[];
            next: string | null;
            previous: string | null;
            lookedUntil: string | null;
        };
        AuditEventReadReply: {
            event: {
                id: string;
                /** Format: date-time */
                at: string;
                code: string;
                /** @enum {string} */
                outcome: "success" | "failure" | "refused";
                workspaceId: string | null;
                userId: string | null;
                actorId: string | null;
                session: string | null;
                patientId: string | null;
                categories: string | null;
                action: string | null;
                method: string | null;
                route: string | null;
                factor: string | null;
                reason: string | null;
                challengeId: string | null;
                emergencyAccessId: string | null;
                ip: string | null;
                userAgent: string | null;
                requestId: string | null;
                details: string | null;
                stream: string;
                index: number;
                /** @description Hex */
                hash: string;
            };
            proof: ({
                leafIndex: number;
                treeSize: number;
                checkpoint: string;
            } & {
                [key: string]: unknown;
            }) | null;
        };
        PatientReportReadReply: {
            patientId: string;
            people: {
                userId: string | null;
                actorId: string | null;
                accesses: number;
                emergency: number;
                /** Format: date-time */
                first: string;
                /** Format: date-time */
                last: string;
            }[];
            accesses: {
                id: string;
                /** Format: date-time */
                at: string;
                code: string;
                /** @enum {string} */
                outcome: "success" | "failure" | "refused";
                workspaceId: string | null;
                userId: string | null;
                actorId: string | null;
                session: string | null;
                patientId: string | null;
                categories: string | null;
                action: string | null;
                method: string | null;
                route: string | null;
                factor: string | null;
                reason: string | null;
                challengeId: string | null;
                emergencyAccessId: string | null;
                ip: string | null;
                userAgent: string | null;
                requestId: string | null;
                details: string | null;
                stream: string;
                index: number;
                /** @description Hex */
                hash: string;
                basis: string | null;
            }[];
            more: boolean;
        };
        OpenApiReply: {
            openapi: string;
        } & {
            [key: string]: unknown;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: {
        /** @description Seconds to wait */
        RetryAfter: number;
        /** @description What would be enough (RFC 9470 §3) */
        WwwAuthenticate: string;
    };
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    verify: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["VerifyRequest"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["VerifyReply"];
                };
            };
            /**
             * @description - `code_malformed`: That is not of the form of a code.
             *     - `password_required`: This needs your password together with the code.
             *     - `input_invalid`: Something in the request is not as it should be.
             */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `sign_in_required`: Please sign in.
             *     - `session_ended`: This session was ended. Please sign in again.
             *     - `session_locked`: This session is locked.
             */
            401: {
                headers: {
                    "WWW-Authenticate": components["headers"]["WwwAuthenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `factor_not_accepted`: This factor cannot answer here.
             *     - `factor_disabled`: This factor was disabled after too many wrong codes. An administrator can reset it.
             *     - `cross_site_refused`: This request came from another site, or its form has expired.
             */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description - `challenge_unknown`: This confirmation has ended. Please start again from the page you wanted. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `code_incorrect`: That code is not right. Please try the current one.
             *     - `answer_refused`: That was not accepted. Please try again.
             *     - `code_already_used`: That code was already used. Please wait for the next one.
             */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `attempts_delayed`: Too many tries. Please wait a little.
             *     - `factor_locked`: Too many wrong codes. This factor is locked for a while.
             */
            429: {
                headers: {
                    "Retry-After": components["headers"]["RetryAfter"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `principal_invalid`: The host did not say clearly who is signed in.
             *     - `internal`: Something went wrong on our side.
             */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `store_closed`: The database has been closed.
             *     - `identity_unavailable`: It could not be found out who is signed in.
             *     - `settings_unknown`: The settings of this workspace cannot be read right now.
             *     - `factor_unknown`: This factor cannot be read right now.
             *     - `store_unavailable`: The database cannot be reached right now.
             *     - `store_wait_exceeded`: The database did not answer in time.
             *     - `store_refused`: The database refused to do this.
             *     - `session_state_unavailable`: The session state cannot be reached right now.
             *     - `audit_backlog`: The audit log cannot keep up right now.
             *     - `key_unknown`: A stored secret was sealed with a key that is not configured.
             *     - `identity_provider_unavailable`: The identity provider cannot be reached right now. Please use another factor.
             */
            503: {
                headers: {
                    "Retry-After": components["headers"]["RetryAfter"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    challenge: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChallengeReply"];
                };
            };
            /** @description - `input_invalid`: Something in the request is not as it should be. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `sign_in_required`: Please sign in.
             *     - `session_ended`: This session was ended. Please sign in again.
             *     - `session_locked`: This session is locked.
             */
            401: {
                headers: {
                    "WWW-Authenticate": components["headers"]["WwwAuthenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description - `challenge_unknown`: This confirmation has ended. Please start again from the page you wanted. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `principal_invalid`: The host did not say clearly who is signed in.
             *     - `internal`: Something went wrong on our side.
             */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `store_closed`: The database has been closed.
             *     - `identity_unavailable`: It could not be found out who is signed in.
             *     - `settings_unknown`: The settings of this workspace cannot be read right now.
             *     - `factor_unknown`: This factor cannot be read right now.
             *     - `store_unavailable`: The database cannot be reached right now.
             *     - `store_wait_exceeded`: The database did not answer in time.
             *     - `store_refused`: The database refused to do this.
             *     - `session_state_unavailable`: The session state cannot be reached right now.
             *     - `audit_backlog`: The audit log cannot keep up right now.
             *     - `key_unknown`: A stored secret was sealed with a key that is not configured.
             */
            503: {
                headers: {
                    "Retry-After": components["headers"]["RetryAfter"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    enrol: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["EnrolRequest"];
            };
        };
        responses: {
            /** @description Confirmed */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EnrolReply"];
                };
            };
            /** @description Begun, with what the factor shows; `enrolled` where it counts at once */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EnrolReply"];
                };
            };
            /**
             * @description - `code_malformed`: That is not of the form of a code.
             *     - `input_invalid`: Something in the request is not as it should be.
             */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `sign_in_required`: Please sign in.
             *     - `session_ended`: This session was ended. Please sign in again.
             *     - `session_locked`: This session is locked.
             *     - `step_up_required`: Please confirm that it is you.
             */
            401: {
                headers: {
                    "WWW-Authenticate": components["headers"]["WwwAuthenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `person_required`: Only a person can do this.
             *     - `fresh_sign_in_required`: Please sign in again, then enrol.
             *     - `factor_required`: This needs a second factor that you have not enrolled yet.
             *     - `factor_not_accepted`: This factor cannot answer here.
             *     - `enrolment_code_required`: Enrolling a first factor here takes a code from an administrator.
             *     - `cross_site_refused`: This request came from another site, or its form has expired.
             */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description - `enrolment_unknown`: There is no enrolment to confirm. Please start it again. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `factor_limit`: You have as many of these as there can be. Remove one first.
             *     - `factors_changed`: Your factors were changed in the meantime. Please try again.
             */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `code_incorrect`: That code is not right. Please try the current one.
             *     - `answer_refused`: That was not accepted. Please try again.
             *     - `enrolment_code_refused`: This enrolment code is not right, or has ended.
             */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `attempts_delayed`: Too many tries. Please wait a little.
             *     - `factor_locked`: Too many wrong codes. This factor is locked for a while.
             */
            429: {
                headers: {
                    "Retry-After": components["headers"]["RetryAfter"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `principal_invalid`: The host did not say clearly who is signed in.
             *     - `internal`: Something went wrong on our side.
             */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `store_closed`: The database has been closed.
             *     - `identity_unavailable`: It could not be found out who is signed in.
             *     - `settings_unknown`: The settings of this workspace cannot be read right now.
             *     - `factor_unknown`: This factor cannot be read right now.
             *     - `store_unavailable`: The database cannot be reached right now.
             *     - `store_wait_exceeded`: The database did not answer in time.
             *     - `store_refused`: The database refused to do this.
             *     - `session_state_unavailable`: The session state cannot be reached right now.
             *     - `audit_backlog`: The audit log cannot keep up right now.
             *     - `key_unknown`: A stored secret was sealed with a key that is not configured.
             */
            503: {
                headers: {
                    "Retry-After": components["headers"]["RetryAfter"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    factors: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FactorsReply"];
                };
            };
            /**
             * @description - `sign_in_required`: Please sign in.
             *     - `session_ended`: This session was ended. Please sign in again.
             *     - `session_locked`: This session is locked.
             */
            401: {
                headers: {
                    "WWW-Authenticate": components["headers"]["WwwAuthenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `principal_invalid`: The host did not say clearly who is signed in.
             *     - `internal`: Something went wrong on our side.
             */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `store_closed`: The database has been closed.
             *     - `identity_unavailable`: It could not be found out who is signed in.
             *     - `settings_unknown`: The settings of this workspace cannot be read right now.
             *     - `factor_unknown`: This factor cannot be read right now.
             *     - `store_unavailable`: The database cannot be reached right now.
             *     - `store_wait_exceeded`: The database did not answer in time.
             *     - `store_refused`: The database refused to do this.
             *     - `session_state_unavailable`: The session state cannot be reached right now.
             *     - `audit_backlog`: The audit log cannot keep up right now.
             *     - `key_unknown`: A stored secret was sealed with a key that is not configured.
             */
            503: {
                headers: {
                    "Retry-After": components["headers"]["RetryAfter"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    removeFactor: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RemoveFactorReply"];
                };
            };
            /** @description - `input_invalid`: Something in the request is not as it should be. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `sign_in_required`: Please sign in.
             *     - `session_ended`: This session was ended. Please sign in again.
             *     - `session_locked`: This session is locked.
             *     - `step_up_required`: Please confirm that it is you.
             */
            401: {
                headers: {
                    "WWW-Authenticate": components["headers"]["WwwAuthenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `person_required`: Only a person can do this.
             *     - `factor_required`: This needs a second factor that you have not enrolled yet.
             *     - `factor_not_accepted`: This factor cannot answer here.
             *     - `cross_site_refused`: This request came from another site, or its form has expired.
             */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `last_factor`: This is your last factor. Enrol another one before you remove it.
             *     - `factors_changed`: Your factors were changed in the meantime. Please try again.
             */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `principal_invalid`: The host did not say clearly who is signed in.
             *     - `internal`: Something went wrong on our side.
             */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `store_closed`: The database has been closed.
             *     - `identity_unavailable`: It could not be found out who is signed in.
             *     - `settings_unknown`: The settings of this workspace cannot be read right now.
             *     - `factor_unknown`: This factor cannot be read right now.
             *     - `store_unavailable`: The database cannot be reached right now.
             *     - `store_wait_exceeded`: The database did not answer in time.
             *     - `store_refused`: The database refused to do this.
             *     - `session_state_unavailable`: The session state cannot be reached right now.
             *     - `audit_backlog`: The audit log cannot keep up right now.
             *     - `key_unknown`: A stored secret was sealed with a key that is not configured.
             */
            503: {
                headers: {
                    "Retry-After": components["headers"]["RetryAfter"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    renameFactor: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RenameFactorRequest"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RenameFactorReply"];
                };
            };
            /** @description - `input_invalid`: Something in the request is not as it should be. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `sign_in_required`: Please sign in.
             *     - `session_ended`: This session was ended. Please sign in again.
             *     - `session_locked`: This session is locked.
             *     - `step_up_required`: Please confirm that it is you.
             */
            401: {
                headers: {
                    "WWW-Authenticate": components["headers"]["WwwAuthenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `person_required`: Only a person can do this.
             *     - `factor_required`: This needs a second factor that you have not enrolled yet.
             *     - `factor_not_accepted`: This factor cannot answer here.
             *     - `cross_site_refused`: This request came from another site, or its form has expired.
             */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description - `factors_changed`: Your factors were changed in the meantime. Please try again. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `principal_invalid`: The host did not say clearly who is signed in.
             *     - `internal`: Something went wrong on our side.
             */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `store_closed`: The database has been closed.
             *     - `identity_unavailable`: It could not be found out who is signed in.
             *     - `settings_unknown`: The settings of this workspace cannot be read right now.
             *     - `factor_unknown`: This factor cannot be read right now.
             *     - `store_unavailable`: The database cannot be reached right now.
             *     - `store_wait_exceeded`: The database did not answer in time.
             *     - `store_refused`: The database refused to do this.
             *     - `session_state_unavailable`: The session state cannot be reached right now.
             *     - `audit_backlog`: The audit log cannot keep up right now.
             *     - `key_unknown`: A stored secret was sealed with a key that is not configured.
             */
            503: {
                headers: {
                    "Retry-After": components["headers"]["RetryAfter"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    liftCaps: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["LiftCapsRequest"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LiftCapsReply"];
                };
            };
            /** @description - `input_invalid`: Something in the request is not as it should be. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `sign_in_required`: Please sign in.
             *     - `session_ended`: This session was ended. Please sign in again.
             *     - `session_locked`: This session is locked.
             */
            401: {
                headers: {
                    "WWW-Authenticate": components["headers"]["WwwAuthenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `person_required`: Only a person can do this.
             *     - `cross_site_refused`: This request came from another site, or its form has expired.
             */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description - `factors_changed`: Your factors were changed in the meantime. Please try again. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description - `enrolment_code_refused`: This enrolment code is not right, or has ended. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `attempts_delayed`: Too many tries. Please wait a little.
             *     - `factor_locked`: Too many wrong codes. This factor is locked for a while.
             */
            429: {
                headers: {
                    "Retry-After": components["headers"]["RetryAfter"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `principal_invalid`: The host did not say clearly who is signed in.
             *     - `internal`: Something went wrong on our side.
             */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `store_closed`: The database has been closed.
             *     - `identity_unavailable`: It could not be found out who is signed in.
             *     - `settings_unknown`: The settings of this workspace cannot be read right now.
             *     - `store_unavailable`: The database cannot be reached right now.
             *     - `store_wait_exceeded`: The database did not answer in time.
             *     - `store_refused`: The database refused to do this.
             *     - `session_state_unavailable`: The session state cannot be reached right now.
             *     - `audit_backlog`: The audit log cannot keep up right now.
             *     - `key_unknown`: A stored secret was sealed with a key that is not configured.
             */
            503: {
                headers: {
                    "Retry-After": components["headers"]["RetryAfter"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    session: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SessionReply"];
                };
            };
            /**
             * @description - `sign_in_required`: Please sign in.
             *     - `session_ended`: This session was ended. Please sign in again.
             *     - `session_locked`: This session is locked.
             */
            401: {
                headers: {
                    "WWW-Authenticate": components["headers"]["WwwAuthenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `principal_invalid`: The host did not say clearly who is signed in.
             *     - `internal`: Something went wrong on our side.
             */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `store_closed`: The database has been closed.
             *     - `identity_unavailable`: It could not be found out who is signed in.
             *     - `settings_unknown`: The settings of this workspace cannot be read right now.
             *     - `factor_unknown`: This factor cannot be read right now.
             *     - `store_unavailable`: The database cannot be reached right now.
             *     - `store_wait_exceeded`: The database did not answer in time.
             *     - `store_refused`: The database refused to do this.
             *     - `session_state_unavailable`: The session state cannot be reached right now.
             *     - `audit_backlog`: The audit log cannot keep up right now.
             *     - `key_unknown`: A stored secret was sealed with a key that is not configured.
             */
            503: {
                headers: {
                    "Retry-After": components["headers"]["RetryAfter"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    signOutOthers: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SignOutOthersReply"];
                };
            };
            /** @description - `input_invalid`: Something in the request is not as it should be. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `sign_in_required`: Please sign in.
             *     - `session_ended`: This session was ended. Please sign in again.
             *     - `session_locked`: This session is locked.
             */
            401: {
                headers: {
                    "WWW-Authenticate": components["headers"]["WwwAuthenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `person_required`: Only a person can do this.
             *     - `cross_site_refused`: This request came from another site, or its form has expired.
             */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `principal_invalid`: The host did not say clearly who is signed in.
             *     - `internal`: Something went wrong on our side.
             */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `store_closed`: The database has been closed.
             *     - `identity_unavailable`: It could not be found out who is signed in.
             *     - `settings_unknown`: The settings of this workspace cannot be read right now.
             *     - `store_unavailable`: The database cannot be reached right now.
             *     - `store_wait_exceeded`: The database did not answer in time.
             *     - `store_refused`: The database refused to do this.
             *     - `session_state_unavailable`: The session state cannot be reached right now.
             *     - `audit_backlog`: The audit log cannot keep up right now.
             *     - `key_unknown`: A stored secret was sealed with a key that is not configured.
             */
            503: {
                headers: {
                    "Retry-After": components["headers"]["RetryAfter"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    emergencyOptions: {
        parameters: {
            query?: {
                purpose?: "clinical" | "administrative";
                patientId?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EmergencyOptionsReply"];
                };
            };
            /** @description - `input_invalid`: Something in the request is not as it should be. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `sign_in_required`: Please sign in.
             *     - `session_ended`: This session was ended. Please sign in again.
             *     - `session_locked`: This session is locked.
             */
            401: {
                headers: {
                    "WWW-Authenticate": components["headers"]["WwwAuthenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `principal_invalid`: The host did not say clearly who is signed in.
             *     - `internal`: Something went wrong on our side.
             */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `store_closed`: The database has been closed.
             *     - `identity_unavailable`: It could not be found out who is signed in.
             *     - `settings_unknown`: The settings of this workspace cannot be read right now.
             *     - `store_unavailable`: The database cannot be reached right now.
             *     - `store_wait_exceeded`: The database did not answer in time.
             *     - `store_refused`: The database refused to do this.
             *     - `session_state_unavailable`: The session state cannot be reached right now.
             *     - `audit_backlog`: The audit log cannot keep up right now.
             *     - `key_unknown`: A stored secret was sealed with a key that is not configured.
             */
            503: {
                headers: {
                    "Retry-After": components["headers"]["RetryAfter"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    breakGlassOwn: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BreakGlassOwnReply"];
                };
            };
            /**
             * @description - `sign_in_required`: Please sign in.
             *     - `session_ended`: This session was ended. Please sign in again.
             *     - `session_locked`: This session is locked.
             */
            401: {
                headers: {
                    "WWW-Authenticate": components["headers"]["WwwAuthenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `person_required`: Only a person can do this.
             *     - `emergency_unavailable`: There is no emergency access here.
             *     - `emergency_not_eligible`: You are not among those who may use emergency access.
             */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `principal_invalid`: The host did not say clearly who is signed in.
             *     - `internal`: Something went wrong on our side.
             */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `store_closed`: The database has been closed.
             *     - `identity_unavailable`: It could not be found out who is signed in.
             *     - `settings_unknown`: The settings of this workspace cannot be read right now.
             *     - `store_unavailable`: The database cannot be reached right now.
             *     - `store_wait_exceeded`: The database did not answer in time.
             *     - `store_refused`: The database refused to do this.
             *     - `session_state_unavailable`: The session state cannot be reached right now.
             *     - `audit_backlog`: The audit log cannot keep up right now.
             *     - `key_unknown`: A stored secret was sealed with a key that is not configured.
             */
            503: {
                headers: {
                    "Retry-After": components["headers"]["RetryAfter"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    breakGlass: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["BreakGlassRequest"];
            };
        };
        responses: {
            /** @description It is open */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BreakGlassReply"];
                };
            };
            /** @description It waits for the approval of a second person */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BreakGlassReply"];
                };
            };
            /** @description - `input_invalid`: Something in the request is not as it should be. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `sign_in_required`: Please sign in.
             *     - `session_ended`: This session was ended. Please sign in again.
             *     - `session_locked`: This session is locked.
             */
            401: {
                headers: {
                    "WWW-Authenticate": components["headers"]["WwwAuthenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `person_required`: Only a person can do this.
             *     - `cross_site_refused`: This request came from another site, or its form has expired.
             *     - `emergency_unavailable`: There is no emergency access here.
             *     - `emergency_not_eligible`: You are not among those who may use emergency access.
             *     - `emergency_review_overdue`: An earlier emergency access of yours has waited too long for its review.
             */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `emergency_reason_insufficient`: Please say in at least 20 characters why this is needed.
             *     - `emergency_field_required`: Something that must be said about this emergency is missing.
             */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `principal_invalid`: The host did not say clearly who is signed in.
             *     - `internal`: Something went wrong on our side.
             */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `store_closed`: The database has been closed.
             *     - `identity_unavailable`: It could not be found out who is signed in.
             *     - `settings_unknown`: The settings of this workspace cannot be read right now.
             *     - `store_unavailable`: The database cannot be reached right now.
             *     - `store_wait_exceeded`: The database did not answer in time.
             *     - `store_refused`: The database refused to do this.
             *     - `session_state_unavailable`: The session state cannot be reached right now.
             *     - `audit_backlog`: The audit log cannot keep up right now.
             *     - `key_unknown`: A stored secret was sealed with a key that is not configured.
             */
            503: {
                headers: {
                    "Retry-After": components["headers"]["RetryAfter"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    breakGlassFind: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BreakGlassReply"];
                };
            };
            /** @description - `input_invalid`: Something in the request is not as it should be. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `sign_in_required`: Please sign in.
             *     - `session_ended`: This session was ended. Please sign in again.
             *     - `session_locked`: This session is locked.
             */
            401: {
                headers: {
                    "WWW-Authenticate": components["headers"]["WwwAuthenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description - `emergency_unavailable`: There is no emergency access here. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description - `not_found`: There is nothing here. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `principal_invalid`: The host did not say clearly who is signed in.
             *     - `internal`: Something went wrong on our side.
             */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `store_closed`: The database has been closed.
             *     - `identity_unavailable`: It could not be found out who is signed in.
             *     - `settings_unknown`: The settings of this workspace cannot be read right now.
             *     - `store_unavailable`: The database cannot be reached right now.
             *     - `store_wait_exceeded`: The database did not answer in time.
             *     - `store_refused`: The database refused to do this.
             *     - `session_state_unavailable`: The session state cannot be reached right now.
             *     - `audit_backlog`: The audit log cannot keep up right now.
             *     - `key_unknown`: A stored secret was sealed with a key that is not configured.
             */
            503: {
                headers: {
                    "Retry-After": components["headers"]["RetryAfter"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    breakGlassEnd: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BreakGlassReply"];
                };
            };
            /** @description - `input_invalid`: Something in the request is not as it should be. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `sign_in_required`: Please sign in.
             *     - `session_ended`: This session was ended. Please sign in again.
             *     - `session_locked`: This session is locked.
             */
            401: {
                headers: {
                    "WWW-Authenticate": components["headers"]["WwwAuthenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `cross_site_refused`: This request came from another site, or its form has expired.
             *     - `emergency_unavailable`: There is no emergency access here.
             */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description - `not_found`: There is nothing here. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description - `emergency_ended`: This emergency access has ended. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `principal_invalid`: The host did not say clearly who is signed in.
             *     - `internal`: Something went wrong on our side.
             */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `store_closed`: The database has been closed.
             *     - `identity_unavailable`: It could not be found out who is signed in.
             *     - `settings_unknown`: The settings of this workspace cannot be read right now.
             *     - `store_unavailable`: The database cannot be reached right now.
             *     - `store_wait_exceeded`: The database did not answer in time.
             *     - `store_refused`: The database refused to do this.
             *     - `session_state_unavailable`: The session state cannot be reached right now.
             *     - `audit_backlog`: The audit log cannot keep up right now.
             *     - `key_unknown`: A stored secret was sealed with a key that is not configured.
             */
            503: {
                headers: {
                    "Retry-After": components["headers"]["RetryAfter"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    breakGlassApprove: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BreakGlassReply"];
                };
            };
            /** @description - `input_invalid`: Something in the request is not as it should be. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `sign_in_required`: Please sign in.
             *     - `session_ended`: This session was ended. Please sign in again.
             *     - `session_locked`: This session is locked.
             */
            401: {
                headers: {
                    "WWW-Authenticate": components["headers"]["WwwAuthenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `person_required`: Only a person can do this.
             *     - `cross_site_refused`: This request came from another site, or its form has expired.
             *     - `emergency_unavailable`: There is no emergency access here.
             *     - `emergency_not_eligible`: You are not among those who may use emergency access.
             */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description - `not_found`: There is nothing here. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description - `emergency_ended`: This emergency access has ended. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `principal_invalid`: The host did not say clearly who is signed in.
             *     - `internal`: Something went wrong on our side.
             */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `store_closed`: The database has been closed.
             *     - `identity_unavailable`: It could not be found out who is signed in.
             *     - `settings_unknown`: The settings of this workspace cannot be read right now.
             *     - `store_unavailable`: The database cannot be reached right now.
             *     - `store_wait_exceeded`: The database did not answer in time.
             *     - `store_refused`: The database refused to do this.
             *     - `session_state_unavailable`: The session state cannot be reached right now.
             *     - `audit_backlog`: The audit log cannot keep up right now.
             *     - `key_unknown`: A stored secret was sealed with a key that is not configured.
             */
            503: {
                headers: {
                    "Retry-After": components["headers"]["RetryAfter"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    breakGlassDecline: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["BreakGlassDeclineRequest"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BreakGlassReply"];
                };
            };
            /** @description - `input_invalid`: Something in the request is not as it should be. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `sign_in_required`: Please sign in.
             *     - `session_ended`: This session was ended. Please sign in again.
             *     - `session_locked`: This session is locked.
             */
            401: {
                headers: {
                    "WWW-Authenticate": components["headers"]["WwwAuthenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `person_required`: Only a person can do this.
             *     - `cross_site_refused`: This request came from another site, or its form has expired.
             *     - `emergency_unavailable`: There is no emergency access here.
             *     - `emergency_not_eligible`: You are not among those who may use emergency access.
             */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description - `not_found`: There is nothing here. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description - `emergency_ended`: This emergency access has ended. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `principal_invalid`: The host did not say clearly who is signed in.
             *     - `internal`: Something went wrong on our side.
             */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `store_closed`: The database has been closed.
             *     - `identity_unavailable`: It could not be found out who is signed in.
             *     - `settings_unknown`: The settings of this workspace cannot be read right now.
             *     - `store_unavailable`: The database cannot be reached right now.
             *     - `store_wait_exceeded`: The database did not answer in time.
             *     - `store_refused`: The database refused to do this.
             *     - `session_state_unavailable`: The session state cannot be reached right now.
             *     - `audit_backlog`: The audit log cannot keep up right now.
             *     - `key_unknown`: A stored secret was sealed with a key that is not configured.
             */
            503: {
                headers: {
                    "Retry-After": components["headers"]["RetryAfter"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    breakGlassReview: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["BreakGlassReviewRequest"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BreakGlassReply"];
                };
            };
            /** @description - `input_invalid`: Something in the request is not as it should be. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `sign_in_required`: Please sign in.
             *     - `session_ended`: This session was ended. Please sign in again.
             *     - `session_locked`: This session is locked.
             */
            401: {
                headers: {
                    "WWW-Authenticate": components["headers"]["WwwAuthenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `person_required`: Only a person can do this.
             *     - `administrator_required`: Only an administrator of this workspace can do this.
             *     - `cross_site_refused`: This request came from another site, or its form has expired.
             *     - `emergency_unavailable`: There is no emergency access here.
             *     - `emergency_own_review`: Somebody else must review your emergency access.
             */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description - `not_found`: There is nothing here. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `emergency_still_open`: This emergency access is still open. It can be reviewed once it has ended.
             *     - `emergency_already_reviewed`: This emergency access was already reviewed.
             */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `principal_invalid`: The host did not say clearly who is signed in.
             *     - `internal`: Something went wrong on our side.
             */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `store_closed`: The database has been closed.
             *     - `identity_unavailable`: It could not be found out who is signed in.
             *     - `settings_unknown`: The settings of this workspace cannot be read right now.
             *     - `store_unavailable`: The database cannot be reached right now.
             *     - `store_wait_exceeded`: The database did not answer in time.
             *     - `store_refused`: The database refused to do this.
             *     - `session_state_unavailable`: The session state cannot be reached right now.
             *     - `audit_backlog`: The audit log cannot keep up right now.
             *     - `key_unknown`: A stored secret was sealed with a key that is not configured.
             */
            503: {
                headers: {
                    "Retry-After": components["headers"]["RetryAfter"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    breakGlassRecord: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BreakGlassRecordReply"];
                };
            };
            /** @description - `input_invalid`: Something in the request is not as it should be. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `sign_in_required`: Please sign in.
             *     - `session_ended`: This session was ended. Please sign in again.
             *     - `session_locked`: This session is locked.
             */
            401: {
                headers: {
                    "WWW-Authenticate": components["headers"]["WwwAuthenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `administrator_required`: Only an administrator of this workspace can do this.
             *     - `emergency_unavailable`: There is no emergency access here.
             */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description - `not_found`: There is nothing here. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `principal_invalid`: The host did not say clearly who is signed in.
             *     - `internal`: Something went wrong on our side.
             */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `store_closed`: The database has been closed.
             *     - `identity_unavailable`: It could not be found out who is signed in.
             *     - `settings_unknown`: The settings of this workspace cannot be read right now.
             *     - `store_unavailable`: The database cannot be reached right now.
             *     - `store_wait_exceeded`: The database did not answer in time.
             *     - `store_refused`: The database refused to do this.
             *     - `session_state_unavailable`: The session state cannot be reached right now.
             *     - `audit_backlog`: The audit log cannot keep up right now.
             *     - `key_unknown`: A stored secret was sealed with a key that is not configured.
             */
            503: {
                headers: {
                    "Retry-After": components["headers"]["RetryAfter"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    breakGlassQueue: {
        parameters: {
            query?: {
                state?: "to-review" | "open" | "reviewed" | "all";
                before?: string;
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BreakGlassQueueReply"];
                };
            };
            /** @description - `input_invalid`: Something in the request is not as it should be. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `sign_in_required`: Please sign in.
             *     - `session_ended`: This session was ended. Please sign in again.
             *     - `session_locked`: This session is locked.
             */
            401: {
                headers: {
                    "WWW-Authenticate": components["headers"]["WwwAuthenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `administrator_required`: Only an administrator of this workspace can do this.
             *     - `emergency_unavailable`: There is no emergency access here.
             */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `principal_invalid`: The host did not say clearly who is signed in.
             *     - `internal`: Something went wrong on our side.
             */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `store_closed`: The database has been closed.
             *     - `identity_unavailable`: It could not be found out who is signed in.
             *     - `settings_unknown`: The settings of this workspace cannot be read right now.
             *     - `store_unavailable`: The database cannot be reached right now.
             *     - `store_wait_exceeded`: The database did not answer in time.
             *     - `store_refused`: The database refused to do this.
             *     - `session_state_unavailable`: The session state cannot be reached right now.
             *     - `audit_backlog`: The audit log cannot keep up right now.
             *     - `key_unknown`: A stored secret was sealed with a key that is not configured.
             */
            503: {
                headers: {
                    "Retry-After": components["headers"]["RetryAfter"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    adminUserFactors: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                userId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AdminUserFactorsReply"];
                };
            };
            /** @description - `input_invalid`: Something in the request is not as it should be. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `sign_in_required`: Please sign in.
             *     - `session_ended`: This session was ended. Please sign in again.
             *     - `session_locked`: This session is locked.
             */
            401: {
                headers: {
                    "WWW-Authenticate": components["headers"]["WwwAuthenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description - `administrator_required`: Only an administrator of this workspace can do this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `principal_invalid`: The host did not say clearly who is signed in.
             *     - `internal`: Something went wrong on our side.
             */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `store_closed`: The database has been closed.
             *     - `identity_unavailable`: It could not be found out who is signed in.
             *     - `settings_unknown`: The settings of this workspace cannot be read right now.
             *     - `store_unavailable`: The database cannot be reached right now.
             *     - `store_wait_exceeded`: The database did not answer in time.
             *     - `store_refused`: The database refused to do this.
             *     - `session_state_unavailable`: The session state cannot be reached right now.
             *     - `audit_backlog`: The audit log cannot keep up right now.
             *     - `key_unknown`: A stored secret was sealed with a key that is not configured.
             */
            503: {
                headers: {
                    "Retry-After": components["headers"]["RetryAfter"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    adminReset: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                userId: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AdminResetRequest"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AdminResetReply"];
                };
            };
            /** @description - `input_invalid`: Something in the request is not as it should be. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `sign_in_required`: Please sign in.
             *     - `session_ended`: This session was ended. Please sign in again.
             *     - `session_locked`: This session is locked.
             *     - `step_up_required`: Please confirm that it is you.
             */
            401: {
                headers: {
                    "WWW-Authenticate": components["headers"]["WwwAuthenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `person_required`: Only a person can do this.
             *     - `administrator_required`: Only an administrator of this workspace can do this.
             *     - `factor_required`: This needs a second factor that you have not enrolled yet.
             *     - `cross_site_refused`: This request came from another site, or its form has expired.
             */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `principal_invalid`: The host did not say clearly who is signed in.
             *     - `internal`: Something went wrong on our side.
             */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `store_closed`: The database has been closed.
             *     - `identity_unavailable`: It could not be found out who is signed in.
             *     - `settings_unknown`: The settings of this workspace cannot be read right now.
             *     - `store_unavailable`: The database cannot be reached right now.
             *     - `store_wait_exceeded`: The database did not answer in time.
             *     - `store_refused`: The database refused to do this.
             *     - `session_state_unavailable`: The session state cannot be reached right now.
             *     - `audit_backlog`: The audit log cannot keep up right now.
             *     - `key_unknown`: A stored secret was sealed with a key that is not configured.
             */
            503: {
                headers: {
                    "Retry-After": components["headers"]["RetryAfter"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    adminEnrolmentCode: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                userId: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AdminEnrolmentCodeRequest"];
            };
        };
        responses: {
            /** @description The code, shown this once */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AdminEnrolmentCodeReply"];
                };
            };
            /** @description - `input_invalid`: Something in the request is not as it should be. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `sign_in_required`: Please sign in.
             *     - `session_ended`: This session was ended. Please sign in again.
             *     - `session_locked`: This session is locked.
             *     - `step_up_required`: Please confirm that it is you.
             */
            401: {
                headers: {
                    "WWW-Authenticate": components["headers"]["WwwAuthenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `person_required`: Only a person can do this.
             *     - `administrator_required`: Only an administrator of this workspace can do this.
             *     - `factor_required`: This needs a second factor that you have not enrolled yet.
             *     - `cross_site_refused`: This request came from another site, or its form has expired.
             */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `principal_invalid`: The host did not say clearly who is signed in.
             *     - `internal`: Something went wrong on our side.
             */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `store_closed`: The database has been closed.
             *     - `identity_unavailable`: It could not be found out who is signed in.
             *     - `settings_unknown`: The settings of this workspace cannot be read right now.
             *     - `store_unavailable`: The database cannot be reached right now.
             *     - `store_wait_exceeded`: The database did not answer in time.
             *     - `store_refused`: The database refused to do this.
             *     - `session_state_unavailable`: The session state cannot be reached right now.
             *     - `audit_backlog`: The audit log cannot keep up right now.
             *     - `key_unknown`: A stored secret was sealed with a key that is not configured.
             */
            503: {
                headers: {
                    "Retry-After": components["headers"]["RetryAfter"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    settingsRead: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SettingsReadReply"];
                };
            };
            /**
             * @description - `sign_in_required`: Please sign in.
             *     - `session_ended`: This session was ended. Please sign in again.
             *     - `session_locked`: This session is locked.
             */
            401: {
                headers: {
                    "WWW-Authenticate": components["headers"]["WwwAuthenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description - `administrator_required`: Only an administrator of this workspace can do this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `principal_invalid`: The host did not say clearly who is signed in.
             *     - `internal`: Something went wrong on our side.
             */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `store_closed`: The database has been closed.
             *     - `identity_unavailable`: It could not be found out who is signed in.
             *     - `settings_unknown`: The settings of this workspace cannot be read right now.
             *     - `store_unavailable`: The database cannot be reached right now.
             *     - `store_wait_exceeded`: The database did not answer in time.
             *     - `store_refused`: The database refused to do this.
             *     - `session_state_unavailable`: The session state cannot be reached right now.
             *     - `audit_backlog`: The audit log cannot keep up right now.
             *     - `key_unknown`: A stored secret was sealed with a key that is not configured.
             */
            503: {
                headers: {
                    "Retry-After": components["headers"]["RetryAfter"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    settingsReplace: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SettingsReplaceRequest"];
            };
        };
        responses: {
            /** @description Saved */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SettingsReplaceReply"];
                };
            };
            /** @description Proposed to a second administrator */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SettingsReplaceReply"];
                };
            };
            /** @description - `input_invalid`: Something in the request is not as it should be. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `sign_in_required`: Please sign in.
             *     - `session_ended`: This session was ended. Please sign in again.
             *     - `session_locked`: This session is locked.
             *     - `step_up_required`: Please confirm that it is you.
             */
            401: {
                headers: {
                    "WWW-Authenticate": components["headers"]["WwwAuthenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `person_required`: Only a person can do this.
             *     - `administrator_required`: Only an administrator of this workspace can do this.
             *     - `factor_required`: This needs a second factor that you have not enrolled yet.
             *     - `cross_site_refused`: This request came from another site, or its form has expired.
             */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description - `settings_conflict`: Somebody else changed the settings in the meantime. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `principal_invalid`: The host did not say clearly who is signed in.
             *     - `internal`: Something went wrong on our side.
             */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `store_closed`: The database has been closed.
             *     - `identity_unavailable`: It could not be found out who is signed in.
             *     - `settings_unknown`: The settings of this workspace cannot be read right now.
             *     - `store_unavailable`: The database cannot be reached right now.
             *     - `store_wait_exceeded`: The database did not answer in time.
             *     - `store_refused`: The database refused to do this.
             *     - `session_state_unavailable`: The session state cannot be reached right now.
             *     - `audit_backlog`: The audit log cannot keep up right now.
             *     - `key_unknown`: A stored secret was sealed with a key that is not configured.
             */
            503: {
                headers: {
                    "Retry-After": components["headers"]["RetryAfter"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    settingsPreview: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SettingsPreviewRequest"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SettingsPreviewReply"];
                };
            };
            /** @description - `input_invalid`: Something in the request is not as it should be. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `sign_in_required`: Please sign in.
             *     - `session_ended`: This session was ended. Please sign in again.
             *     - `session_locked`: This session is locked.
             */
            401: {
                headers: {
                    "WWW-Authenticate": components["headers"]["WwwAuthenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `administrator_required`: Only an administrator of this workspace can do this.
             *     - `cross_site_refused`: This request came from another site, or its form has expired.
             */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `principal_invalid`: The host did not say clearly who is signed in.
             *     - `internal`: Something went wrong on our side.
             */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `store_closed`: The database has been closed.
             *     - `identity_unavailable`: It could not be found out who is signed in.
             *     - `settings_unknown`: The settings of this workspace cannot be read right now.
             *     - `store_unavailable`: The database cannot be reached right now.
             *     - `store_wait_exceeded`: The database did not answer in time.
             *     - `store_refused`: The database refused to do this.
             *     - `session_state_unavailable`: The session state cannot be reached right now.
             *     - `audit_backlog`: The audit log cannot keep up right now.
             *     - `key_unknown`: A stored secret was sealed with a key that is not configured.
             */
            503: {
                headers: {
                    "Retry-After": components["headers"]["RetryAfter"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    settingsDecide: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SettingsDecideRequest"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SettingsReplaceReply"];
                };
            };
            /** @description - `input_invalid`: Something in the request is not as it should be. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `sign_in_required`: Please sign in.
             *     - `session_ended`: This session was ended. Please sign in again.
             *     - `session_locked`: This session is locked.
             *     - `step_up_required`: Please confirm that it is you.
             */
            401: {
                headers: {
                    "WWW-Authenticate": components["headers"]["WwwAuthenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `person_required`: Only a person can do this.
             *     - `administrator_required`: Only an administrator of this workspace can do this.
             *     - `factor_required`: This needs a second factor that you have not enrolled yet.
             *     - `cross_site_refused`: This request came from another site, or its form has expired.
             *     - `second_administrator_required`: Another administrator must approve this.
             */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description - `settings_proposal_unknown`: These settings do not wait for anybody any more. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description - `settings_conflict`: Somebody else changed the settings in the meantime. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `principal_invalid`: The host did not say clearly who is signed in.
             *     - `internal`: Something went wrong on our side.
             */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `store_closed`: The database has been closed.
             *     - `identity_unavailable`: It could not be found out who is signed in.
             *     - `settings_unknown`: The settings of this workspace cannot be read right now.
             *     - `store_unavailable`: The database cannot be reached right now.
             *     - `store_wait_exceeded`: The database did not answer in time.
             *     - `store_refused`: The database refused to do this.
             *     - `session_state_unavailable`: The session state cannot be reached right now.
             *     - `audit_backlog`: The audit log cannot keep up right now.
             *     - `key_unknown`: A stored secret was sealed with a key that is not configured.
             */
            503: {
                headers: {
                    "Retry-After": components["headers"]["RetryAfter"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    auditList: {
        parameters: {
            query?: {
                from?: string;
                until?: string;
                userId?: string;
                patientId?: string;
                category?: string;
                code?: "MFA_REQUIRED" | "MFA_SUCCESS" | "MFA_FAILURE" | "ACCESS_ALLOWED" | "ACCESS_DENIED" | "EXEMPTION_APPLIED" | "FACTOR_ENROLMENT_STARTED" | "FACTOR_ENROLLED" | "FACTOR_LOCKED" | "FACTOR_DISABLED" | "FACTOR_RESET" | "SETTINGS_CHANGED" | "SETTINGS_TAMPERED" | "FACTOR_TAMPERED" | "SESSION_SIGNED_OUT" | "SESSIONS_REVOKED" | "SESSION_LOCKED" | "AUDIT_STREAM_OPENED" | "AUDIT_STREAM_CLOSED" | "CONFIGURATION_APPLIED" | "CLOCK_SET_BACK" | "FACTOR_RENAMED" | "FACTOR_REMOVED" | "FACTOR_CAP_LIFTED" | "ENROLMENT_CODE_ISSUED" | "SETTINGS_PROPOSED" | "SETTINGS_PROPOSAL_DECIDED" | "KEYS_ROTATED" | "NOTICE_FAILED" | "RESPONSE_WITHHELD" | "RECOVERY_CODE_USED" | "EMERGENCY_ACCESS_REQUESTED" | "EMERGENCY_ACCESS_STARTED" | "EMERGENCY_ACCESS_ENDED" | "EMERGENCY_ACCESS_REFUSED" | "EMERGENCY_ACCESS_APPROVED" | "EMERGENCY_ACCESS_DECLINED" | "EMERGENCY_ACCESS_REVIEWED" | "EMERGENCY_ACCESS_OVERDUE" | "NOTICE_DELIVERED" | "AUDIT_EXAMINED" | "AUDIT_EXPORTED" | "AUDIT_ARCHIVED" | "AUDIT_SEALING_FAILED" | "AUDIT_SINK_FAILED" | "AUDIT_SINK_RECOVERED" | "AUDIT_SPOOL_DRAINED" | "RESTORED_FROM_BACKUP";
                outcome?: "success" | "failure" | "refused";
                emergencyAccessId?: string;
                sort?: "at" | "code" | "outcome" | "workspaceId" | "userId" | "actorId" | "session" | "patientId" | "categories" | "action" | "method" | "route" | "factor" | "reason" | "challengeId" | "emergencyAccessId" | "ip" | "userAgent" | "requestId" | "details" | "id" | "stream" | "index" | "hash";
                order?: "ascending" | "descending";
                limit?: number;
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AuditListReply"];
                };
            };
            /** @description - `input_invalid`: Something in the request is not as it should be. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `sign_in_required`: Please sign in.
             *     - `session_ended`: This session was ended. Please sign in again.
             *     - `session_locked`: This session is locked.
             */
            401: {
                headers: {
                    "WWW-Authenticate": components["headers"]["WwwAuthenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description - `administrator_required`: Only an administrator of this workspace can do this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description - `audit_sort_too_wide`: There are too many events to sort them this way. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `principal_invalid`: The host did not say clearly who is signed in.
             *     - `internal`: Something went wrong on our side.
             */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `store_closed`: The database has been closed.
             *     - `identity_unavailable`: It could not be found out who is signed in.
             *     - `settings_unknown`: The settings of this workspace cannot be read right now.
             *     - `store_unavailable`: The database cannot be reached right now.
             *     - `store_wait_exceeded`: The database did not answer in time.
             *     - `store_refused`: The database refused to do this.
             *     - `session_state_unavailable`: The session state cannot be reached right now.
             *     - `audit_backlog`: The audit log cannot keep up right now.
             *     - `key_unknown`: A stored secret was sealed with a key that is not configured.
             */
            503: {
                headers: {
                    "Retry-After": components["headers"]["RetryAfter"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    auditEventRead: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AuditEventReadReply"];
                };
            };
            /** @description - `input_invalid`: Something in the request is not as it should be. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `sign_in_required`: Please sign in.
             *     - `session_ended`: This session was ended. Please sign in again.
             *     - `session_locked`: This session is locked.
             */
            401: {
                headers: {
                    "WWW-Authenticate": components["headers"]["WwwAuthenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description - `administrator_required`: Only an administrator of this workspace can do this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description - `not_found`: There is nothing here. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `audit_proof_invalid`: This proof of the audit log cannot be read or made.
             *     - `principal_invalid`: The host did not say clearly who is signed in.
             *     - `internal`: Something went wrong on our side.
             */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `store_closed`: The database has been closed.
             *     - `identity_unavailable`: It could not be found out who is signed in.
             *     - `settings_unknown`: The settings of this workspace cannot be read right now.
             *     - `store_unavailable`: The database cannot be reached right now.
             *     - `store_wait_exceeded`: The database did not answer in time.
             *     - `store_refused`: The database refused to do this.
             *     - `session_state_unavailable`: The session state cannot be reached right now.
             *     - `audit_backlog`: The audit log cannot keep up right now.
             *     - `key_unknown`: A stored secret was sealed with a key that is not configured.
             */
            503: {
                headers: {
                    "Retry-After": components["headers"]["RetryAfter"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    patientReportRead: {
        parameters: {
            query: {
                from?: string;
                until?: string;
                patientId: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PatientReportReadReply"];
                };
            };
            /** @description - `input_invalid`: Something in the request is not as it should be. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `sign_in_required`: Please sign in.
             *     - `session_ended`: This session was ended. Please sign in again.
             *     - `session_locked`: This session is locked.
             */
            401: {
                headers: {
                    "WWW-Authenticate": components["headers"]["WwwAuthenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description - `administrator_required`: Only an administrator of this workspace can do this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `principal_invalid`: The host did not say clearly who is signed in.
             *     - `internal`: Something went wrong on our side.
             */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `store_closed`: The database has been closed.
             *     - `identity_unavailable`: It could not be found out who is signed in.
             *     - `settings_unknown`: The settings of this workspace cannot be read right now.
             *     - `store_unavailable`: The database cannot be reached right now.
             *     - `store_wait_exceeded`: The database did not answer in time.
             *     - `store_refused`: The database refused to do this.
             *     - `session_state_unavailable`: The session state cannot be reached right now.
             *     - `audit_backlog`: The audit log cannot keep up right now.
             *     - `key_unknown`: A stored secret was sealed with a key that is not configured.
             */
            503: {
                headers: {
                    "Retry-After": components["headers"]["RetryAfter"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    auditExportRead: {
        parameters: {
            query?: {
                from?: string;
                until?: string;
                userId?: string;
                patientId?: string;
                category?: string;
                code?: "MFA_REQUIRED" | "MFA_SUCCESS" | "MFA_FAILURE" | "ACCESS_ALLOWED" | "ACCESS_DENIED" | "EXEMPTION_APPLIED" | "FACTOR_ENROLMENT_STARTED" | "FACTOR_ENROLLED" | "FACTOR_LOCKED" | "FACTOR_DISABLED" | "FACTOR_RESET" | "SETTINGS_CHANGED" | "SETTINGS_TAMPERED" | "FACTOR_TAMPERED" | "SESSION_SIGNED_OUT" | "SESSIONS_REVOKED" | "SESSION_LOCKED" | "AUDIT_STREAM_OPENED" | "AUDIT_STREAM_CLOSED" | "CONFIGURATION_APPLIED" | "CLOCK_SET_BACK" | "FACTOR_RENAMED" | "FACTOR_REMOVED" | "FACTOR_CAP_LIFTED" | "ENROLMENT_CODE_ISSUED" | "SETTINGS_PROPOSED" | "SETTINGS_PROPOSAL_DECIDED" | "KEYS_ROTATED" | "NOTICE_FAILED" | "RESPONSE_WITHHELD" | "RECOVERY_CODE_USED" | "EMERGENCY_ACCESS_REQUESTED" | "EMERGENCY_ACCESS_STARTED" | "EMERGENCY_ACCESS_ENDED" | "EMERGENCY_ACCESS_REFUSED" | "EMERGENCY_ACCESS_APPROVED" | "EMERGENCY_ACCESS_DECLINED" | "EMERGENCY_ACCESS_REVIEWED" | "EMERGENCY_ACCESS_OVERDUE" | "NOTICE_DELIVERED" | "AUDIT_EXAMINED" | "AUDIT_EXPORTED" | "AUDIT_ARCHIVED" | "AUDIT_SEALING_FAILED" | "AUDIT_SINK_FAILED" | "AUDIT_SINK_RECOVERED" | "AUDIT_SPOOL_DRAINED" | "RESTORED_FROM_BACKUP";
                outcome?: "success" | "failure" | "refused";
                emergencyAccessId?: string;
                sort?: "at" | "code" | "outcome" | "workspaceId" | "userId" | "actorId" | "session" | "patientId" | "categories" | "action" | "method" | "route" | "factor" | "reason" | "challengeId" | "emergencyAccessId" | "ip" | "userAgent" | "requestId" | "details" | "id" | "stream" | "index" | "hash";
                order?: "ascending" | "descending";
                format?: "csv" | "ndjson" | "fhir" | "fhir-bundle";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/csv": string;
                    "application/x-ndjson": string;
                    "application/fhir+ndjson": string;
                    "application/fhir+json": string;
                };
            };
            /** @description - `input_invalid`: Something in the request is not as it should be. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `sign_in_required`: Please sign in.
             *     - `session_ended`: This session was ended. Please sign in again.
             *     - `session_locked`: This session is locked.
             *     - `step_up_required`: Please confirm that it is you.
             */
            401: {
                headers: {
                    "WWW-Authenticate": components["headers"]["WwwAuthenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `person_required`: Only a person can do this.
             *     - `administrator_required`: Only an administrator of this workspace can do this.
             *     - `factor_required`: This needs a second factor that you have not enrolled yet.
             */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description - `audit_sort_too_wide`: There are too many events to sort them this way. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `principal_invalid`: The host did not say clearly who is signed in.
             *     - `internal`: Something went wrong on our side.
             */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description - `store_closed`: The database has been closed.
             *     - `identity_unavailable`: It could not be found out who is signed in.
             *     - `settings_unknown`: The settings of this workspace cannot be read right now.
             *     - `store_unavailable`: The database cannot be reached right now.
             *     - `store_wait_exceeded`: The database did not answer in time.
             *     - `store_refused`: The database refused to do this.
             *     - `session_state_unavailable`: The session state cannot be reached right now.
             *     - `audit_backlog`: The audit log cannot keep up right now.
             *     - `key_unknown`: A stored secret was sealed with a key that is not configured.
             */
            503: {
                headers: {
                    "Retry-After": components["headers"]["RetryAfter"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    openApi: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OpenApiReply"];
                };
            };
            /** @description - `not_found`: There is nothing here. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description - `internal`: Something went wrong on our side. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
}
