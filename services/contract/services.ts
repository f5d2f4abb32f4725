/** Names and ports that the services, the cloud's definition and the local start agree on. */

export const WEB = { name: 'app-web', port: 8000 } as const;
export const WAS = { name: 'app-was', port: 8081 } as const;

/** The port is the one that SageMaker's hosting contract prescribes for a model container. */
export const ENDPOINT = { name: 'image-classifier', port: 8080 } as const;

/** Paths that one service calls on another. */
export const PATHS = { health: '/health', classify: '/classify/image' } as const;

/** What `GET /health` of the WAS answers; the original's clients look for this text. */
export const WAS_HEALTH = { message: 'WAS-Connected' } as const;
