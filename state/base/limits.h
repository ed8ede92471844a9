/* Every queue, cache, buffer, table and string from outside has its maximum here, under one name; those of one connector
 * alone stand in its room. */
#ifndef DIDEBAN_STATE_BASE_LIMITS_H
#define DIDEBAN_STATE_BASE_LIMITS_H

#define KIB ((size_t)1024)
#define MIB (1024 * KIB)

/* Events from outside. */
#define LIMIT_EVENT_BYTES (256 * KIB)            /* one event's JSON; more is quarantined as too large */
#define LIMIT_EVENT_DEPTH 32                     /* nesting of its JSON */
#define LIMIT_ID_BYTES 256                       /* CloudEvents id and source, each */
#define LIMIT_STRING_BYTES 4096                  /* a data string whose contract names no maxLength */
#define LIMIT_KEPT_STRING_BYTES 1024             /* a string that is kept in timelines or names a subject */
#define LIMIT_ARRAY_ITEMS 256                    /* an array whose contract names no maxItems */
#define LIMIT_QUARANTINE_BYTES LIMIT_EVENT_BYTES /* raw bytes kept of a quarantined line */

#define LIMIT_EXTENSIONS 32      /* CloudEvents extension attributes of one event */
#define LIMIT_ATTRIBUTE_BYTES 64 /* the name of one */

/* Contracts. */
#define LIMIT_CONTRACT_BYTES (256 * KIB) /* one contract file */
#define LIMIT_CONTRACT_DEPTH 12          /* nesting of objects and arrays that one describes */
#define LIMIT_ENUM 256                   /* values of one enum */
#define LIMIT_KIND_BYTES 64              /* a subject kind, a role, a field name */
#define LIMIT_DECIMAL_SCALE 9            /* digits behind the point: sums of 2^32 of the largest are exact in 128 bits */
#define LIMIT_FINDINGS 1000              /* mistakes listed of one check */
#define LIMIT_CONTRACTS 256              /* event types */
#define LIMIT_PROPERTIES 64              /* properties of one object */
#define LIMIT_KEPT 32                    /* kept fields of one type */
#define LIMIT_ROLES 16                   /* roles of one type */
#define LIMIT_SUBJECT_BYTES 1200         /* "kind/key" */
#define LIMIT_REFS 300                   /* subjects that one event may name */

/* The fold. */
#define LIMIT_NAMES 1000000                       /* distinct sources, input streams and type layouts of one store */
#define LIMIT_LAYOUTS 4096                        /* versions of contracts that one store has seen */
#define LIMIT_BATCH_EVENTS 4096                   /* events in one journal batch */
#define LIMIT_BATCH_BYTES (4 * MIB)               /* their bytes; a batch closes once it is over */
#define LIMIT_CACHE_LEAST KIB                     /* timelines in memory: any size is right, a small one is slow */
#define LIMIT_TIMELINE_BYTES ((size_t)4095 * MIB) /* one subject in memory */
#define LIMIT_RECORD_BYTES (64 * MIB)             /* one journal record */
#define LIMIT_PARTITIONS 64

/* State. */
#define LIMIT_JOURNAL_FILES 8            /* earlier segments kept open for reading */
#define LIMIT_JOURNAL_PARTS 64           /* pieces that one record is joined from */
#define LIMIT_MEMO_RULE_NODES 4096       /* what is remembered of a rule's answers: places in its course */
#define LIMIT_MEMO_NODES 65536           /* of all rules of a partition */
#define LIMIT_MEMO_BYTES (4 * MIB)       /* their texts and values */
#define LIMIT_LOOKS_BYTES (32 * MIB)     /* what a sweep of one subject and rule remembers of the triggers that it judged */
#define LIMIT_KEY_BYTES (8 * KIB)        /* more than the longest: subject, rule and the fields of an episode */
#define LIMIT_STORED_BYTES (256 * MIB)   /* one value of the store */
#define LIMIT_COPY_FILES 1000000         /* files of one backup */
#define LIMIT_MANIFEST_BYTES (256 * MIB) /* a backup's list of files */

/* Rules. */
#define LIMIT_RULES 1000
#define LIMIT_RULE_FILE_BYTES (256 * KIB)
#define LIMIT_RULE_FEATURES 16
#define LIMIT_RULE_PARAMS 32
#define LIMIT_RULE_OUTCOMES 32
#define LIMIT_RULE_FIELDS 32 /* need + want + episode + deliver */
#define LIMIT_RULE_TYPES 32  /* event types in one list */
#define LIMIT_RULE_EPISODE 4 /* fields of an episode */
#define LIMIT_RULE_TESTS 500
#define LIMIT_RULE_VALUES 16                 /* values of one outcome */
#define LIMIT_VALUE_BYTES 1024               /* one string value */
#define LIMIT_TEXT_BYTES 2048                /* one rendered sentence */
#define LIMIT_EVIDENCE 100                   /* entries handed over by one feature */
#define LIMIT_ACTIVE_ITEMS 1000              /* items that a rule may read of one `active` */
#define LIMIT_RULE_INSTRUCTIONS 200000       /* Lua instructions of one evaluation */
#define LIMIT_RULE_MEMORY (1 * MIB)          /* bytes that one evaluation may ask for */
#define LIMIT_RULE_BLOCK (128 * KIB)         /* of them in one piece: a string, a table's array */
#define LIMIT_RULE_STRING (16 * KIB)         /* one string, while loading too */
#define LIMIT_RULE_LOAD_INSTRUCTIONS 5000000 /* to run the file itself, once */
#define LIMIT_RULE_LOAD_MEMORY (32 * MIB)
#define LIMIT_RULE_NODES 100000         /* values in a rule file's table */
#define LIMIT_RULE_KEYS 1000            /* named keys of one table of it */
#define LIMIT_RULE_DEPTH 16             /* their nesting */
#define LIMIT_RULE_SORT 10000           /* elements of one table.sort or pairs */
#define LIMIT_RULE_REP_BYTES (16 * KIB) /* result of string.rep, and of one string.format item */

/* Files, sinks and the command line. */
#define LIMIT_FILE_BUFFER (1 * MIB)   /* what a file source holds of its input at once; more than LIMIT_EVENT_BYTES */
#define LIMIT_SINK_BUFFER (4 * MIB)   /* rows that a file sink gathers before it writes */
#define LIMIT_SINK_MARK_BYTES 4096    /* a sink's mark, kept with a checkpoint */
#define LIMIT_FOLLOWED_FILES 100000   /* files of all followed directories */
#define LIMIT_FOLLOWED_OPEN 32        /* of them open while they rest */
#define LIMIT_ALERT_BYTES (512 * KIB) /* a message lists no more evidence once it is so long */
#define LIMIT_SECRET_BYTES 4096       /* a password's file */
#define LIMIT_OUTBOX_BYTES (16 * MIB) /* alerts that wait to be published; a batch more may stand over it */
#define LIMIT_CONFIG_BYTES (1 * MIB)  /* a configuration file */
#define LIMIT_INBOXES 256             /* followed directories of a configuration */
#define LIMIT_GRANTS 256              /* sources or types of one of them */
#define LIMIT_ARGUMENTS 100000        /* values of one option of the command line */

#endif
