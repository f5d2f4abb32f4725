import { App } from 'cdktf';
import { BloomstackStack } from './stacks/bloomstack-stack.ts';

const app = new App();
new BloomstackStack(app, 'bloomstack');
app.synth();
