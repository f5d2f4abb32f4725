/** Loaded into every job: it ends in order when whoever started it is gone, even if that was killed. */

process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
// Listening alone must not keep a job alive that is done.
process.channel?.unref();
