/* How the program's allocator keeps memory. Timelines lie anywhere in hundreds of megabytes: in pages of 4 KiB each event would also
 * miss the processor's table of pages. What was taken is kept: a checkpoint takes again what the one before had freed, and a hole in
 * a large page would come back as a whole page that nobody reckons with. So that memory does not grow all the same, whatever is free
 * may be cut up for whatever is asked for, and there is one arena, in which all threads find what any has freed. jemalloc reads this by its
 * name (jemalloc(3), TUNING); MALLOC_CONF in the environment goes before it. */
extern const char *malloc_conf;
const char *malloc_conf = "thp:always,metadata_thp:auto,narenas:1,oversize_threshold:0,dirty_decay_ms:-1,lg_extent_max_active_fit:63";
