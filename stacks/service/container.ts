import { PATHS } from '../../services/contract.ts';

export interface ContainerProps {
  readonly name: string;
  /** Address with a tag. */
  readonly image: string;
  /** Port on which it answers `GET /health`. */
  readonly port: number;
  readonly environment: Readonly<Record<string, string>>;
  readonly logGroup: string;
  readonly region: string;
}

/** User and group `node` of the official Node.js images. */
const NOT_ROOT = '1000:1000';
const SECONDS_TO_FINISH = 30;
const OPEN_FILES = 65_536;

const askHealth = (port: number): string =>
  `fetch('http://127.0.0.1:${port}${PATHS.health}').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))`;

/** One container as ECS wants it: no root user, nothing to write to, and no rights of the kernel's. */
export const containerDefinition = ({
  name,
  image,
  port,
  environment,
  logGroup,
  region,
}: ContainerProps) => ({
  name,
  image,
  essential: true,
  user: NOT_ROOT,
  readonlyRootFilesystem: true,
  linuxParameters: { initProcessEnabled: true, capabilities: { drop: ['ALL'] } },
  portMappings: [{ containerPort: port, hostPort: port, protocol: 'tcp' }],
  environment: Object.entries({ PORT: String(port), ...environment })
    .map(([key, value]) => ({ name: key, value }))
    // ECS sorts them, and Terraform would see a difference.
    .sort((one, other) => (one.name < other.name ? -1 : 1)),
  healthCheck: {
    command: ['CMD', 'node', '-e', askHealth(port)],
    interval: 15,
    timeout: 5,
    retries: 3,
    startPeriod: 30,
  },
  stopTimeout: SECONDS_TO_FINISH,
  ulimits: [{ name: 'nofile', softLimit: OPEN_FILES, hardLimit: OPEN_FILES }],
  logConfiguration: {
    logDriver: 'awslogs',
    options: { 'awslogs-group': logGroup, 'awslogs-region': region, 'awslogs-stream-prefix': name },
  },
});
