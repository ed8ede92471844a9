/* For cppcheck alone, which reads no headers outside the tree: what jansson's loops are. */
#define json_object_foreach(object, key, value) for (key = json_object_key(object, &value); key != NULL;)
#define json_array_foreach(array, index, value) for (index = 0; (value = json_array_get(array, index)) != NULL; index++)
