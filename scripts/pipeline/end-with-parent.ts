/** Loaded into every job: it exits cleanly when its parent process is gone, even if that was killed. */

process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
// Listening alone must not keep a job alive that is done.
process.channel?.unref();
