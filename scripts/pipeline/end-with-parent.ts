/** Loaded into every job, so that it exits cleanly when its parent process ends, even if that was killed. */

process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
// The channel must not keep a finished job alive.
process.channel?.unref();
