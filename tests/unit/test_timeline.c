/* Timelines as logs: what several pieces about one place come to, and reading them back from a store; against brute force too. */
#include "engine/flow/keys.h"
#include "engine/timeline/codec.h"

#include "tests/unit/store_fixture.h"

/* Sources in the order of their numbers, which is not their bytewise order. */
static const char *const sources[] = {"z", "a", "m", "aa"};
#define N_SOURCES (sizeof sources / sizeof *sources)
/* Both have two roles. */
static const char *const layouts[] = {"a.b\nfirst=x,second=x\nnum:i", "c.d\nfirst=x,second=x\n"};
#define N_ROLES 2u

static struct names *
make_names(struct fixture *fx)
{
	struct changes *ch = changes_new();
	struct names *na = names_new();

	assert_true(ch != NULL && na != NULL);
	for (size_t i = 0; i < N_SOURCES; i++) {
		uint32_t number;

		assert_int_equal(names_intern(na, slice_str(sources[i]), ch, &number, &fx->err), 0);
		assert_int_equal(number, i);
	}
	for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++) {
		struct layout *la = layout_parse(slice_str(layouts[i]), &fx->err);
		uint16_t number;

		assert_non_null(la);
		assert_int_equal(names_layout(na, la, ch, &number, &fx->err), 0);
		assert_int_equal(number, i);
		layout_free(la);
	}
	changes_free(ch);
	return na;
}

/* --- settling --------------------------------------------------------------------------------------------------------- */

/* "+SEC[.NSEC]:SOURCE:ID:ROLE[=KEPT]", or "-" for a removal; the slices are in `text`. */
static struct delta
delta_of(char *text)
{
	char *at = text + 1, *source, *id, *role, *kept;
	struct delta de = {.remove = text[0] == '-'};

	assert_true(text[0] == '+' || text[0] == '-');
	de.time.sec = strtoll(at, &at, 10);
	if (*at == '.')
		de.time.nsec = (uint32_t)strtoul(at + 1, &at, 10);
	source = at + 1;
	*at = 0;
	id = strchr(source, ':') + 1;
	id[-1] = 0;
	role = strchr(id, ':') + 1;
	role[-1] = 0;
	kept = strchr(role, '=');
	de.role = (uint8_t)strtoul(role, NULL, 10);
	de.kept = slice_str(kept == NULL ? "" : kept + 1);
	de.id = slice_str(id);
	while (strcmp(sources[de.source], source) != 0)
		assert_true(++de.source < N_SOURCES);
	return de;
}

static void
push_text(struct fixture *fx, struct timeline *tl, const char *log)
{
	char *copy = strdup(log), *rest = NULL;

	assert_non_null(copy);
	for (char *word = strtok_r(copy, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
		struct delta de = delta_of(word);

		assert_int_equal(timeline_push(tl, &de, &fx->err), 0);
	}
	free(copy);
}

/* The same without the signs. */
static void
print_entries(const struct timeline *tl, struct buf *ret)
{
	for (uint32_t i = 0; i < tl->n; i++) {
		const struct entry *en = &tl->v[i];

		buf_printf(ret, "%s%lld", i == 0 ? "" : " ", (long long)en->sec);
		if (en->nsec != 0)
			buf_printf(ret, ".%u", en->nsec);
		buf_printf(ret, ":%s:%.*s:%u", sources[en->source], SLICE_ARG(entry_id(tl, en)), en->role);
		if (en->kept_len != 0)
			buf_printf(ret, "=%.*s", SLICE_ARG(entry_kept(tl, en)));
	}
	buf_add_u8(ret, 0);
}

static bool
bytes_add_up(const struct timeline *tl)
{
	size_t live = 0;

	for (uint32_t i = 0; i < tl->n; i++) {
		size_t n = (size_t)tl->v[i].id_len + tl->v[i].kept_len;

		live += n;
		if (tl->v[i].at + n > tl->n_bytes)
			return false;
	}
	return live + tl->garbage == tl->n_bytes;
}

static void
of_the_pieces_about_a_place_the_last_one_counts(void **state)
{
	static const struct {
		const char *log, *entries;
	} cases[] = {
	    {"", ""},
	    {"+1:a:x:0=k", "1:a:x:0=k"},
	    /* In order already: in each of the order's parts. */
	    {"+-5:a:x:0 +-1:a:x:0 +0:a:x:0 +7:a:x:0", "-5:a:x:0 -1:a:x:0 0:a:x:0 7:a:x:0"},
	    {"+1:a:x:0 +1.1:a:x:0 +1.999999999:a:x:0 +2:a:x:0", "1:a:x:0 1.1:a:x:0 1.999999999:a:x:0 2:a:x:0"},
	    {"+1:a:x:0 +1:aa:x:0 +1:m:x:0 +1:z:x:0", "1:a:x:0 1:aa:x:0 1:m:x:0 1:z:x:0"},
	    {"+1:a:B:0 +1:a:a:0 +1:a:aa:0 +1:a:b:0", "1:a:B:0 1:a:a:0 1:a:aa:0 1:a:b:0"},
	    {"+1:a:x:0 +1:a:x:1 +1:a:x:127 +1:a:x:255", "1:a:x:0 1:a:x:1 1:a:x:127 1:a:x:255"},
	    /* Out of order, in each of them. */
	    {"+7:a:x:0 +0:a:x:0 +-1:a:x:0 +-5:a:x:0", "-5:a:x:0 -1:a:x:0 0:a:x:0 7:a:x:0"},
	    {"+2:a:x:0 +1.999999999:a:x:0 +1:a:x:0 +1.1:a:x:0", "1:a:x:0 1.1:a:x:0 1.999999999:a:x:0 2:a:x:0"},
	    {"+1:z:x:0 +1:a:x:0 +1:m:x:0 +1:aa:x:0", "1:a:x:0 1:aa:x:0 1:m:x:0 1:z:x:0"},
	    {"+1:a:b:0 +1:a:aa:0 +1:a:a:0 +1:a:B:0", "1:a:B:0 1:a:a:0 1:a:aa:0 1:a:b:0"},
	    {"+1:a:x:255 +1:a:x:1 +1:a:x:127 +1:a:x:0", "1:a:x:0 1:a:x:1 1:a:x:127 1:a:x:255"},
	    {"+1:a:b:0 +1:z:a:0 +1:a:a:1 +0:z:z:9", "0:z:z:9 1:a:a:1 1:a:b:0 1:z:a:0"}, /* an earlier part outweighs a later one */
	    /* One place several times: side by side, apart, with others before and behind. */
	    {"+1:a:x:0=p +1:a:x:0=q", "1:a:x:0=q"},
	    {"+1:a:x:0=p +1:a:x:0=q +1:a:x:0=r +2:a:x:0", "1:a:x:0=r 2:a:x:0"},
	    {"+1:a:x:0=p +2:a:x:0=s +1:a:x:0=q +2:a:x:0=t +1:a:x:0", "1:a:x:0 2:a:x:0=t"},
	    {"+3:a:x:0=p +1:a:x:0=s +3:a:x:0=q", "1:a:x:0=s 3:a:x:0=q"},
	    /* Removals: after, before, between, twice. */
	    {"+1:a:x:0=p -1:a:x:0", ""},
	    {"+1:a:x:0=p +2:a:x:0=q -1:a:x:0", "2:a:x:0=q"},
	    {"-1:a:x:0 +1:a:x:0=p", "1:a:x:0=p"},
	    {"+1:a:x:0=p -1:a:x:0 +1:a:x:0=q", "1:a:x:0=q"},
	    {"+1:a:x:0=p +2:a:x:0=q -1:a:x:0 +1:a:x:0=r -2:a:x:0", "1:a:x:0=r"},
	    {"+1:a:x:0=p -1:a:x:0 +1:a:x:0=q -1:a:x:0", ""},
	    {"+1:a:x:0=p -1:a:x:0 -1:a:x:0 +2:a:x:0", "2:a:x:0"},
	    /* Of what never came, and of what is near it alone. */
	    {"-1:a:x:0", ""},
	    {"-1:a:x:0 +2:a:x:0", "2:a:x:0"},
	    {"+2:a:x:0 -1:a:x:0", "2:a:x:0"},
	    {"+1:a:x:0=p -1.1:a:x:0 -1:aa:x:0 -1:a:y:0 -1:a:x:1 -2:a:x:0", "1:a:x:0=p"},
	    {"+1:a:x:0=p +1:a:x:1=q -1:a:x:0", "1:a:x:1=q"},
	    /* Everything gone, whatever the order. */
	    {"+1:a:x:0=p +2:a:x:0=q +3:a:x:0=r -3:a:x:0 -1:a:x:0 -2:a:x:0", ""},
	    {"+3:a:x:0=p -3:a:x:0 +1:a:x:0=q -1:a:x:0", ""},
	    {"-3:a:x:0 -2:a:x:0 -1:a:x:0", ""},
	};
	struct fixture *fx = *state;
	struct names *na = make_names(fx);

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct timeline tl = {0};
		struct buf found = {0};

		push_text(fx, &tl, cases[i].log);
		for (unsigned round = 0; round < 2; round++) { /* what is settled stays as it is */
			timeline_settle(&tl, na);
			buf_clear(&found);
			print_entries(&tl, &found);
			if (strcmp(found.p, cases[i].entries) != 0)
				fail_msg("'%s' comes to '%s'", cases[i].log, found.p);
			assert_true(bytes_add_up(&tl));
		}
		buf_free(&found);
		timeline_free(&tl);
	}
	names_free(na);
}

static void
what_is_in_order_is_not_touched(void **state)
{
	struct fixture *fx = *state;
	struct names *na = make_names(fx);
	struct timeline tl = {0};
	struct entry before[4];
	const char *bytes;

	push_text(fx, &tl, "+1:z:x:0=p +1:z:x:1=q +2:a:x:0 +2:z:a:0=r");
	bytes = tl.bytes;
	memcpy(before, tl.v, sizeof before);
	timeline_settle(&tl, na);
	assert_int_equal(tl.n, 4);
	assert_memory_equal(tl.v, before, sizeof before);
	assert_true(tl.bytes == bytes && tl.garbage == 0);
	timeline_free(&tl);
	names_free(na);
}

static void
a_removal_takes_no_room_but_for_its_id(void **state)
{
	struct fixture *fx = *state;
	struct names *na = make_names(fx);
	struct timeline tl = {0};

	push_text(fx, &tl, "+1:a:id:0=kept -1:a:id:0=never-looked-at");
	assert_int_equal(tl.n_bytes, 2 + 4 + 2);
	timeline_settle(&tl, na);
	assert_int_equal(tl.garbage, 2 + 4 + 2);
	timeline_free(&tl);
	names_free(na);
}

/* --- against brute force ---------------------------------------------------------------------------------------------- */

static const char *const ids[] = {"b", "a", "ab", "a-long-one-that-is-not-the-first"};
#define N_IDS (sizeof ids / sizeof *ids)
#define N_TIMES 10
#define PLACES (N_TIMES * N_SOURCES * N_IDS * N_ROLES)
#define OPS 1200
#define KEPT_MAX 400

/* What came of each place last. */
struct model {
	struct delta last[PLACES];
	bool there[PLACES];
	char kept[OPS + 8 * PLACES][KEPT_MAX];
	size_t n_kept;
	uint64_t seed, random;
};

/* Says with which seed it fails. */
#define MUST(what)                                                                                                                                   \
	do {                                                                                                                                         \
		if (!(what))                                                                                                                         \
			fail_msg("seed %llu: %s", (unsigned long long)mo->seed, #what);                                                              \
	} while (0)

static uint64_t
below(struct model *mo, uint64_t n)
{
	return scratch_random(&mo->random) % n;
}

static struct delta
delta_at(struct model *mo, unsigned place, bool remove)
{
	unsigned time = place / (N_SOURCES * N_IDS * N_ROLES);
	struct delta de = {.remove = remove, .time = {(int64_t)(time / 2) - 2, time % 2 * 999999999}};
	size_t n = below(mo, 3) == 0 ? below(mo, KEPT_MAX) : below(mo, 8);
	char *kept = mo->kept[mo->n_kept++];

	assert_true(mo->n_kept <= sizeof mo->kept / sizeof *mo->kept);
	de.role = (uint8_t)(place % N_ROLES);
	de.id = slice_str(ids[place / N_ROLES % N_IDS]);
	de.source = place / (N_ROLES * N_IDS) % N_SOURCES;
	de.flags = below(mo, 2) == 0 ? ENTRY_CONTESTED : 0;
	if (remove)
		return de;
	for (size_t i = 0; i < n; i++)
		kept[i] = (char)scratch_random(&mo->random);
	de.kept = slice_of(kept, n);
	de.layout = (uint16_t)below(mo, 2);
	de.stream = (uint32_t)below(mo, N_SOURCES);
	de.number = scratch_random(&mo->random);
	return de;
}

static struct delta
next_piece(struct model *mo, unsigned places)
{
	unsigned place = (unsigned)below(mo, places);
	struct delta de = delta_at(mo, place, below(mo, 3) == 0);

	mo->there[place] = !de.remove;
	mo->last[place] = de;
	return de;
}

static int
by_total_order(const void *a, const void *b)
{
	const struct delta *x = *(const struct delta *const *)a, *y = *(const struct delta *const *)b;

	if (x->time.sec != y->time.sec)
		return x->time.sec < y->time.sec ? -1 : 1;
	if (x->time.nsec != y->time.nsec)
		return x->time.nsec < y->time.nsec ? -1 : 1;
	if (x->source != y->source)
		return strcmp(sources[x->source], sources[y->source]);
	if (!slice_eq(x->id, y->id))
		return slice_cmp(x->id, y->id);
	return (int)x->role - (int)y->role;
}

static void
compare(const struct timeline *tl, const struct model *mo)
{
	const struct delta *sorted[PLACES];
	uint32_t n = 0;

	for (size_t i = 0; i < PLACES; i++)
		if (mo->there[i])
			sorted[n++] = &mo->last[i];
	qsort(sorted, n, sizeof *sorted, by_total_order);
	MUST(tl->n == n);
	for (uint32_t i = 0; i < n; i++) {
		const struct entry *en = &tl->v[i];
		const struct delta *de = sorted[i];

		MUST(instant_cmp(entry_time(en), de->time) == 0 && en->source == de->source && en->role == de->role);
		MUST(slice_eq(entry_id(tl, en), de->id) && slice_eq(entry_kept(tl, en), de->kept));
		MUST(en->layout == de->layout && en->stream == de->stream && en->number == de->number && en->flags == de->flags);
	}
	MUST(bytes_add_up(tl));
}

/* Late entries, removals of what is there and of what is not, and both of one place. */
static void
merge_some(struct fixture *fx, struct timeline *tl, const struct names *na, struct model *mo)
{
	struct delta deltas[2 * PLACES];
	size_t n = 0;

	for (unsigned place = 0; place < PLACES; place++) {
		bool was = mo->there[place], comes;

		if (below(mo, 4) != 0)
			continue;
		comes = below(mo, 2) == 0;
		if (was || !comes)
			deltas[n++] = delta_at(mo, place, true);
		if (comes)
			deltas[n++] = mo->last[place] = delta_at(mo, place, false);
		mo->there[place] = comes;
	}
	for (size_t i = n; i > 1; i--) {
		size_t j = below(mo, i);
		struct delta de = deltas[i - 1];

		deltas[i - 1] = deltas[j];
		deltas[j] = de;
	}
	MUST(timeline_merge(tl, na, deltas, n, &fx->err) == 0);
	for (size_t i = 0; i < n; i++)
		MUST(deltas[i].remove || slice_eq(entry_kept(tl, &tl->v[deltas[i].index]), deltas[i].kept));
	compare(tl, mo);
}

/* Writes a random log to a subject's group in a few checkpoints, the last one laid over the files, and reads it back. */
static void
through_a_store(struct fixture *fx, struct timeline *tl, const struct names *na, struct model *mo, unsigned n, unsigned places)
{
	struct store *st = open_store(fx, &writing);
	struct changes *ch = changes_new();
	struct buf group = {0}, piece = {0};
	uint64_t seq = store_checkpoint_seq(st) + 1;

	buf_printf(&piece, "person/%llu", (unsigned long long)seq); /* one whom earlier rounds do not know */
	key_subject(&group, 'T', buf_slice(&piece));
	for (unsigned i = 0; i < n; i++) {
		struct delta de = next_piece(mo, places);

		buf_clear(&piece);
		piece_begin(&piece, &de);
		piece_end(&piece, &de);
		assert_true(buf_ok(&piece) && buf_ok(&group));
		assert_int_equal(changes_append(ch, buf_slice(&group), buf_slice(&piece), &fx->err), 0);
		if (below(mo, n) < 3)
			checkpoint(fx, st, ch, seq++);
	}
	if (below(mo, 2) == 0) {
		checkpoint(fx, st, ch, seq++); /* that those who look find a store */
		store_close(st);
		st = open_store(fx, &looking);
	}
	checkpoint(fx, st, ch, seq);
	assert_int_equal(timeline_load(tl, st, na, slice_of(group.p + 1, group.n - 2), &fx->err), 0);
	buf_free(&group);
	buf_free(&piece);
	changes_free(ch);
	store_close(st);
}

static void
random_log(struct fixture *fx, const struct names *na, struct model *mo, uint64_t seed, bool stored)
{
	struct timeline tl = {0};
	unsigned n, places;

	memset(mo, 0, sizeof *mo);
	mo->seed = mo->random = seed;
	n = (unsigned)below(mo, below(mo, 4) == 0 ? OPS : 20);
	places = 1 + (unsigned)below(mo, PLACES);
	if (stored) {
		through_a_store(fx, &tl, na, mo, n, places);
	} else {
		for (unsigned i = 0; i < n; i++) {
			struct delta de = next_piece(mo, places);

			assert_int_equal(timeline_push(&tl, &de, &fx->err), 0);
		}
		timeline_settle(&tl, na);
	}
	compare(&tl, mo);
	for (unsigned round = 0; round < 3; round++)
		merge_some(fx, &tl, na, mo);
	timeline_free(&tl);
}

static void
any_log_comes_to_what_brute_force_says_and_goes_on_from_there(void **state)
{
	struct fixture *fx = *state;
	struct names *na = make_names(fx);
	struct model *mo = malloc(sizeof *mo);
	uint64_t n = getenv("DIDEBAN_DEEP") != NULL ? 5000 : 300;

	assert_non_null(mo);
	for (uint64_t seed = 1; seed <= n; seed++)
		random_log(fx, na, mo, seed, seed % 20 == 0);
	free(mo);
	names_free(na);
}

/* --- reading from a store ---------------------------------------------------------------------------------------------- */

static void
append_piece(struct fixture *fx, struct changes *ch, const char *subject, struct delta de)
{
	struct buf group = {0}, piece = {0};

	key_subject(&group, 'T', slice_str(subject));
	piece_begin(&piece, &de);
	piece_end(&piece, &de);
	assert_true(buf_ok(&group) && buf_ok(&piece));
	assert_int_equal(changes_append(ch, buf_slice(&group), buf_slice(&piece), &fx->err), 0);
	buf_free(&group);
	buf_free(&piece);
}

static void
append_text(struct fixture *fx, struct changes *ch, const char *subject, const char *log)
{
	char *copy = strdup(log), *rest = NULL;

	assert_non_null(copy);
	for (char *word = strtok_r(copy, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest))
		append_piece(fx, ch, subject, delta_of(word));
	free(copy);
}

static void
expect_timeline(struct fixture *fx, struct store *st, const struct names *na, const char *subject, const char *entries)
{
	struct timeline tl = {0};
	struct buf found = {0};

	if (timeline_load(&tl, st, na, slice_str(subject), &fx->err) != 0)
		fail_msg("%s", fx->err.text);
	print_entries(&tl, &found);
	assert_string_equal(found.p, entries);
	buf_free(&found);
	timeline_free(&tl);
}

static void
a_timeline_is_read_over_all_its_checkpoints_and_is_one_subjects(void **state)
{
	struct fixture *fx = *state;
	struct names *na = make_names(fx);
	struct changes *ch = changes_new();
	struct store *st = open_store(fx, &writing);

	append_text(fx, ch, "person/1", "+5:a:x:0=p +3:a:y:1=q");
	append_text(fx, ch, "person/10", "+1:z:other:0");
	append_text(fx, ch, "person/2", "+2:m:x:0");
	checkpoint(fx, st, ch, 4);
	expect_timeline(fx, st, na, "person/1", "3:a:y:1=q 5:a:x:0=p");
	append_text(fx, ch, "person/1", "-5:a:x:0 +5:a:x:0=again +4:z:x:0");
	checkpoint(fx, st, ch, 300);
	append_text(fx, ch, "person/2", "-2:m:x:0");
	append_text(fx, ch, "person/1", "+4:a:x:0=s -3:a:y:1");
	checkpoint(fx, st, ch, 301);
	for (unsigned round = 0; round < 2; round++) {
		expect_timeline(fx, st, na, "person/1", "4:a:x:0=s 4:z:x:0 5:a:x:0=again");
		expect_timeline(fx, st, na, "person/10", "1:z:other:0");
		expect_timeline(fx, st, na, "person/2", "");
		expect_timeline(fx, st, na, "person/3", "");
		store_close(st);
		st = open_store(fx, &looking);
	}
	append_text(fx, ch, "person/1", "-4:z:x:0 +3:a:y:1=back");
	checkpoint(fx, st, ch, 302);
	expect_timeline(fx, st, na, "person/1", "3:a:y:1=back 4:a:x:0=s 5:a:x:0=again");
	changes_free(ch);
	store_close(st);
	names_free(na);
}

/* So many in one checkpoint that they are several values; the later half comes before the earlier one. */
static void
a_timeline_of_several_parts_is_read_whole(void **state)
{
	struct fixture *fx = *state;
	struct names *na = make_names(fx);
	struct changes *ch = changes_new();
	struct store *st = open_store(fx, &writing);
	struct timeline tl = {0};
	char id[32];

	for (unsigned i = 0; i < 20000; i++) {
		struct delta de = {.time = {(i + 10000) % 20000, 0}, .number = i, .kept = slice_str("some bytes that were kept")};

		(void)snprintf(id, sizeof id, "%08x", i * 2654435761u);
		de.id = slice_str(id);
		append_piece(fx, ch, "person/1", de);
	}
	checkpoint(fx, st, ch, 1);
	assert_int_equal(timeline_load(&tl, st, na, slice_str("person/1"), &fx->err), 0);
	assert_int_equal(tl.n, 20000);
	for (unsigned i = 0; i < tl.n; i++)
		assert_true(tl.v[i].sec == i && tl.v[i].number == (i + 10000) % 20000);
	assert_true(bytes_add_up(&tl));
	timeline_free(&tl);
	changes_free(ch);
	store_close(st);
	names_free(na);
}

static void
damage_is_told_with_the_subject_and_nothing_half_read_is_left(void **state)
{
	static const struct delta good = {
	    .time = {1, 0}, .id = {"x", 1}, .layout = 1, .role = N_ROLES - 1, .stream = N_SOURCES - 1, .kept = {"k", 1}};
	struct fixture *fx = *state;
	struct names *na = make_names(fx);
	struct changes *ch = changes_new();
	struct store *st = open_store(fx, &writing);
	struct delta bad[] = {good, good, good, good, good, good};
	const size_t n = sizeof bad / sizeof *bad;

	bad[0].layout = 2; /* two are known */
	bad[1].layout = UINT16_MAX;
	bad[2].role = N_ROLES; /* of a layout with two */
	bad[3].source = N_SOURCES;
	bad[4].stream = N_SOURCES;
	bad[5].source = N_SOURCES;
	bad[5].remove = true;
	for (size_t i = 0; i <= n; i++) {
		char subject[32];

		(void)snprintf(subject, sizeof subject, "person/%zu", i);
		append_piece(fx, ch, subject, good);
		append_text(fx, ch, subject, "-7:a:x:0");
		if (i < n)
			append_piece(fx, ch, subject, bad[i]);
		append_text(fx, ch, subject, "+8:a:x:0 -8:a:x:0"); /* what is good behind it does not make up for it */
	}
	append_text(fx, ch, "person/cut", "+1:a:x:0");
	assert_int_equal(changes_append(ch, slice_of("Tperson/cut", 12), slice_of("\0", 1), &fx->err), 0);
	checkpoint(fx, st, ch, 1);
	for (size_t i = 0; i <= n; i++) {
		struct timeline tl = {0};
		char subject[32];

		(void)snprintf(subject, sizeof subject, i < n ? "person/%zu" : "person/cut", i);
		if (timeline_load(&tl, st, na, slice_str(subject), &fx->err) != -1)
			fail_msg("case %zu", i);
		assert_int_equal(fx->err.code, ERR_CORRUPT);
		assert_non_null(strstr(fx->err.text, subject));
		assert_non_null(strstr(fx->err.text, "restore a backup"));
		assert_int_equal(tl.n, 0);
		timeline_free(&tl);
	}
	expect_timeline(fx, st, na, "person/6", "1:z:x:1=k"); /* which has nothing bad */
	changes_free(ch);
	store_close(st);
	names_free(na);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(of_the_pieces_about_a_place_the_last_one_counts),
	    TEST(what_is_in_order_is_not_touched),
	    TEST(a_removal_takes_no_room_but_for_its_id),
	    TEST(any_log_comes_to_what_brute_force_says_and_goes_on_from_there),
	    TEST(a_timeline_is_read_over_all_its_checkpoints_and_is_one_subjects),
	    TEST(a_timeline_of_several_parts_is_read_whole),
	    TEST(damage_is_told_with_the_subject_and_nothing_half_read_is_left),
	};

	return cmocka_run_group_tests_name("timeline", tests, NULL, NULL);
}
