// The only file that knows simdjson. No exception crosses the border: the library is used through error codes, and memory is
// asked for without throwing.
#include "engine/event/json_tree.h"

#include <simdjson.h>

#include <cstring>
#include <memory>
#include <new>

namespace
{

struct reader {
	simdjson::dom::parser parser;
	std::unique_ptr<uint8_t[]> text;
	size_t max_bytes = 0;
};

// A number that is JSON but fits neither 64 bits nor a double is reported by the library like one that is not JSON at all.
// True if every number of the text follows the grammar, so that only the size can be wrong. Runs on refused events only.
bool
numbers_are_grammatical(const char *p, const char *end)
{
	auto digits = [&] {
		const char *from = p;
		while (p < end && *p >= '0' && *p <= '9')
			p++;
		return p - from;
	};
	while (p < end) {
		if (*p == '"') {
			for (p++; p < end && *p != '"'; p++)
				if (*p == '\\')
					p++;
			p++;
			continue;
		}
		if (*p != '-' && (*p < '0' || *p > '9')) {
			p++;
			continue;
		}
		if (*p == '-')
			p++;
		const char *first = p;
		auto n = digits();
		if (n == 0 || (n > 1 && *first == '0'))
			return false;
		if (p < end && *p == '.') {
			p++;
			if (digits() == 0)
				return false;
		}
		if (p < end && (*p == 'e' || *p == 'E')) {
			p++;
			if (p < end && (*p == '+' || *p == '-'))
				p++;
			if (digits() == 0)
				return false;
		}
		if (p < end && std::memchr(" \t\r\n,]}", *p, 7) == nullptr) // a zero is none of them
			return false;
	}
	return true;
}

} // namespace

int
json_tree_init(struct json_tree *jt, size_t max_bytes, size_t max_depth)
{
	auto *rd = new (std::nothrow) reader;

	*jt = {};
	if (rd == nullptr)
		return -1;
	rd->max_bytes = max_bytes;
	rd->text.reset(new (std::nothrow) uint8_t[max_bytes + simdjson::SIMDJSON_PADDING]);
	if (!rd->text || rd->parser.allocate(max_bytes, max_depth) || rd->parser.doc.allocate(max_bytes)) {
		delete rd;
		return -1;
	}
	std::memset(rd->text.get(), 0, max_bytes + simdjson::SIMDJSON_PADDING);
	jt->impl = rd;
	return 0;
}

void
json_tree_free(struct json_tree *jt)
{
	delete static_cast<reader *>(jt->impl);
	*jt = {};
}

enum json_status
json_tree_read(struct json_tree *jt, const char *text, size_t n)
{
	auto *rd = static_cast<reader *>(jt->impl);

	jt->why = "";
	if (n > rd->max_bytes)
		return JSON_TOO_LARGE;
	if (n != 0)
		std::memcpy(rd->text.get(), text, n);
	simdjson::error_code error = rd->parser.parse(rd->text.get(), n, false).error();
	if (!error) {
		jt->tape = rd->parser.doc.tape.get();
		jt->strings = rd->parser.doc.string_buf.get();
		return JSON_OK;
	}
	// Of several mistakes the library names the one that its kernel for this processor comes across first.
	if (!simdjson::validate_utf8(text, n))
		return JSON_UTF8;
	jt->why = simdjson::error_message(error);
	switch (error) {
	case simdjson::DEPTH_ERROR:
		return JSON_DEPTH;
	case simdjson::NUMBER_ERROR:
	case simdjson::NUMBER_OUT_OF_RANGE:
		return numbers_are_grammatical(text, text + n) ? JSON_NUMBER : JSON_SYNTAX;
	case simdjson::MEMALLOC:
		return JSON_NOMEM;
	default:
		return JSON_SYNTAX;
	}
}
