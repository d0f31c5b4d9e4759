/** How the service says what it says on standard error: a line for a person, or an object for a program. */
export const LOG_FORMATS = ['text', 'json'] as const
export type LogFormat = (typeof LOG_FORMATS)[number]
