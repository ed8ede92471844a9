#include "engine/rule/rule.h"

#include "engine/rule/load.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

static void
free_types(struct feature_types *ty)
{
	for (unsigned i = 0; i < ty->n; i++)
		free(ty->v[i]);
}

static void
free_feature(struct feature_spec *fs)
{
	free(fs->name);
	free_types(&fs->on);
	free_types(&fs->opens);
	free_types(&fs->reopens);
	free_types(&fs->closes);
	free(fs->role);
	free(fs->of);
	free(fs->by);
	free(fs->key);
	free(fs->from);
	free(fs->til);
	for (unsigned i = 0; i < fs->n_where; i++) {
		struct feature_where *wh = &fs->where[i];

		for (unsigned k = 0; k < wh->n; k++)
			if (wh->any[k].kind == VALUE_STRING)
				free((char *)(uintptr_t)wh->any[k].s.p); /* owned by the spec */
		free(wh->any);
		free(wh->field);
	}
}

void
rule_free(struct rule *ru)
{
	if (ru == NULL)
		return;
	free(ru->file);
	free(ru->id);
	free(ru->version);
	free(ru->kind);
	free(ru->owner);
	free(ru->legal_basis);
	free(ru->role);
	free_types(&ru->on);
	for (unsigned i = 0; i < ru->n_audience; i++)
		free(ru->audience[i]);
	for (unsigned i = 0; i < ru->n_fields; i++)
		free(ru->fields[i]);
	for (unsigned i = 0; i < ru->n_features; i++)
		free_feature(&ru->features[i]);
	for (unsigned i = 0; i < ru->n_params; i++) {
		free(ru->params[i].name);
		free(ru->params[i].unit);
		if (ru->params[i].value.kind == VALUE_STRING)
			free((char *)(uintptr_t)ru->params[i].value.s.p); /* owned by the rule */
	}
	for (unsigned i = 0; i < ru->n_outcomes; i++) {
		free(ru->outcomes[i].code);
		free(ru->outcomes[i].fa);
		free(ru->outcomes[i].en);
	}
	for (unsigned i = 0; i < ru->n_deliver; i++) {
		free(ru->deliver[i].audience);
		free(ru->deliver[i].field);
	}
	free(ru->confirm.by);
	free(ru->confirm.on_silence);
	free(ru);
}

bool
rule_same_audience(const struct rule *a, const struct rule *b)
{
	bool same = a->n_audience == b->n_audience;

	for (unsigned i = 0; same && i < a->n_audience; i++)
		same = strcmp(a->audience[i], b->audience[i]) == 0;
	return same;
}

int
rule_outcome_index(const struct rule *ru, struct slice code)
{
	for (unsigned i = 0; i < ru->n_outcomes; i++)
		if (slice_eq_str(code, ru->outcomes[i].code))
			return (int)i;
	return -1;
}

/* --- fingerprints ----------------------------------------------------------------------------------------------- */

static void
add_text(struct buf *b, const char *s)
{
	buf_add_blob(b, s == NULL ? slice_of("", 0) : slice_str(s));
	buf_add_u8(b, s != NULL);
}

static void
add_value(struct buf *b, const struct value *v)
{
	char number[40];

	buf_add_u8(b, (uint8_t)v->kind);
	if (v->kind == VALUE_STRING)
		buf_add_blob(b, v->s);
	else if (v->kind == VALUE_NUMBER) {
		(void)snprintf(number, sizeof number, "%.17g", v->d);
		add_text(b, number);
	} else
		buf_add_u64(b, (uint64_t)v->i);
}

static void
add_types(struct buf *b, const struct feature_types *ty)
{
	buf_add_varint(b, ty->n);
	for (unsigned i = 0; i < ty->n; i++)
		add_text(b, ty->v[i]);
}

static void
add_feature(struct buf *b, const struct feature_spec *fs)
{
	add_text(b, fs->name);
	buf_add_u8(b, (uint8_t)fs->op);
	add_types(b, &fs->on);
	add_types(b, &fs->opens);
	add_types(b, &fs->reopens);
	add_types(b, &fs->closes);
	add_text(b, fs->role);
	add_text(b, fs->of);
	add_text(b, fs->by);
	add_text(b, fs->key);
	add_text(b, fs->from);
	add_text(b, fs->til);
	buf_add_varint(b, fs->n_where);
	for (unsigned i = 0; i < fs->n_where; i++) {
		add_text(b, fs->where[i].field);
		buf_add_varint(b, fs->where[i].n);
		for (unsigned k = 0; k < fs->where[i].n; k++)
			add_value(b, &fs->where[i].any[k]);
	}
	buf_add_u8(b, (uint8_t)fs->window);
	buf_add_u64(b, (uint64_t)fs->window_seconds);
	buf_add_varint(b, fs->evidence);
}

/* Input, features, parameters, outcome levels, alerting. */
static void
add_declarations(struct buf *b, const struct rule *ru)
{
	add_text(b, ru->id);
	add_text(b, ru->role);
	add_types(b, &ru->on);
	buf_add_varint(b, ru->n_need);
	buf_add_varint(b, ru->n_readable);
	buf_add_varint(b, ru->n_fields);
	for (unsigned i = 0; i < ru->n_fields; i++)
		add_text(b, ru->fields[i]);
	buf_add_varint(b, ru->n_features);
	for (unsigned i = 0; i < ru->n_features; i++)
		add_feature(b, &ru->features[i]);
	buf_add_varint(b, ru->n_params);
	for (unsigned i = 0; i < ru->n_params; i++) {
		add_text(b, ru->params[i].name);
		buf_add_u8(b, (uint8_t)ru->params[i].type);
		add_text(b, ru->params[i].unit);
		add_value(b, &ru->params[i].value);
	}
	buf_add_varint(b, ru->n_outcomes);
	for (unsigned i = 0; i < ru->n_outcomes; i++) {
		add_text(b, ru->outcomes[i].code);
		buf_add_u8(b, (uint8_t)ru->outcomes[i].class);
		buf_add_u8(b, (uint8_t)ru->outcomes[i].level);
	}
	buf_add_varint(b, ru->n_episode);
	for (unsigned i = 0; i < ru->n_episode; i++)
		buf_add_varint(b, ru->episode[i]);
	buf_add_u8(b, ru->episode_once);
	buf_add_u8(b, ru->again_each);
	buf_add_u8(b, ru->contest);
	buf_add_u64(b, (uint64_t)ru->quiet);
	buf_add_u64(b, (uint64_t)ru->expires);
	for (unsigned i = 0; i < ru->n_deliver; i++) {
		add_text(b, ru->deliver[i].audience);
		add_text(b, ru->deliver[i].field);
	}
	add_text(b, ru->confirm.by);
	buf_add_u64(b, (uint64_t)ru->confirm.within);
	add_text(b, ru->confirm.on_silence);
}

/* The tokens of `evaluate` and of everything outside the returned table (its helpers): comments and layout do not count. */
static void
add_logic(struct buf *b, const struct position_map *map)
{
	const struct place *logic = place_child(&map->root, slice_str("evaluate"), 0);

	for (size_t i = 0; i < map->tokens.n; i++) {
		bool outside = i < map->root.from || i >= map->root.to;

		if (outside || (logic != NULL && i >= logic->from && i < logic->to))
			buf_add_blob(b, map->tokens.v[i].text);
	}
}

static int
hash_text(struct slice bytes, char ret[72])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char sum[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	if (EVP_Digest(bytes.p, bytes.n, sum, &n, EVP_sha256(), NULL) != 1 || n != 32)
		return -1;
	memcpy(ret, "sha256:", 7);
	for (unsigned i = 0; i < 32; i++) {
		ret[7 + 2 * i] = digits[sum[i] >> 4];
		ret[8 + 2 * i] = digits[sum[i] & 15];
	}
	ret[71] = '\0';
	return 0;
}

int
rule_fingerprint(struct rule *ru, const struct position_map *map, struct slice text)
{
	struct buf b = {0};
	int r = -1;

	add_declarations(&b, ru);
	add_logic(&b, map);
	if (buf_ok(&b) && hash_text(text, ru->hash) == 0 && hash_text(buf_slice(&b), ru->semantic) == 0)
		r = 0;
	buf_free(&b);
	return r;
}
