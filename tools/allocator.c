/* How the program's allocator keeps memory. Timelines lie anywhere in hundreds of megabytes: in pages of 4 KiB each event would also
 * miss the processor's table of pages. What is freed is given back after two seconds, as a checkpoint frees and takes again what it
 * gathers. Two arenas are enough for the few threads that allocate. jemalloc reads this by its name (jemalloc(3), TUNING); MALLOC_CONF
 * in the environment goes before it. */
extern const char *malloc_conf;
const char *malloc_conf = "thp:always,metadata_thp:auto,narenas:2,oversize_threshold:0,dirty_decay_ms:2000,muzzy_decay_ms:0";
