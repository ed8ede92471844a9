/* Every maximum of reading from and publishing to Kafka; all others are in state/base/limits.h, where no word of Kafka stands. */
#ifndef DIDEBAN_CONNECTORS_KAFKA_LIMITS_H
#define DIDEBAN_CONNECTORS_KAFKA_LIMITS_H

#define LIMIT_KAFKA_TOPICS 256      /* entries of the configuration's list */
#define LIMIT_KAFKA_PARTITIONS 4096 /* read by one process */
#define LIMIT_KAFKA_QUEUE_KIB 16384 /* fetched and waiting, of one partition */
#define LIMIT_KAFKA_SETTINGS 64     /* handed through to librdkafka */
#define LIMIT_KAFKA_AUDIENCES 64    /* with a topic of their own */
#define LIMIT_KAFKA_ENDING 32       /* clients that were told to end and have not yet */

#endif
