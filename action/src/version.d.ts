/** The version in package.json, put in when the step is bundled. */
declare const VERSION: string;
