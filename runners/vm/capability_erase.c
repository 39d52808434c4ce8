// SPDX-License-Identifier: GPL-2.0-or-later
/* Change of tenant: what a guest wrote is looked for by the next one, after the drive's owner had it erased. */
#include <inttypes.h>

#include "runners/vm/capability.h"

#define BYTES (8u << 20)		/* that a tenant writes, at most */
#define LINE 32u			/* of the pattern, with its newline */
#define SCRIPT_S 120
#define ERASE_MS 600000
#define SES_USER 1u
#define SES_CRYPTO 2u

/* --- ways to erase ------------------------------------------------------------------------------------------------------------ */

static int format(struct nvsr_layout *l, struct nvsr_layout_fn *f, unsigned ses, uint64_t *ret_ns)
{
	const struct nvsr_layout_fn *pf = &l->fn[0];
	struct nvsr_cmd c = { .opcode = NVME_ADMIN_FORMAT, .nsid = f->nsid, .timeout_ms = ERASE_MS };
	struct nvme_id_ns ns;
	uint64_t start;
	int rc = nvsr_ns_detach(l->pf, f->nsid, f->cntlid), back;

	if (rc)
		return rc;
	nvsr_layout_wait_gone(f->bdf, f->nsid);
	rc = nvsr_ns_attach(l->pf, f->nsid, pf->cntlid);
	if (!rc) {
		rc = nvsr_identify(l->pf, NVME_CNS_NS, f->nsid, 0, &ns);
		c.cdw10 = NVME_FORMAT_CDW10(ns.flbas & 0xf, ses);
		start = nvsr_now_ns();
		rc = rc ? rc : nvsr_admin(l->pf, &c);
		*ret_ns = nvsr_now_ns() - start;
		back = nvsr_ns_detach(l->pf, f->nsid, pf->cntlid);
		rc = rc ? rc : back;
		nvsr_layout_wait_gone(pf->bdf, f->nsid);
	}
	back = nvsr_ns_attach(l->pf, f->nsid, f->cntlid);
	return rc ? rc : back;
}

static int format_crypto(struct nvsr_layout *l, struct nvsr_layout_fn *f, uint64_t *ret_ns)
{
	return format(l, f, SES_CRYPTO, ret_ns);
}

static int format_user(struct nvsr_layout *l, struct nvsr_layout_fn *f, uint64_t *ret_ns)
{
	return format(l, f, SES_USER, ret_ns);
}

/* Whether it makes any is tried before one is deleted. */
static int make_anew(struct nvsr_layout *l, struct nvsr_layout_fn *f, uint64_t *ret_ns)
{
	struct nvme_id_ns ns;
	uint32_t nsid = 0;
	uint64_t start;
	int rc = nvsr_identify(l->pf, NVME_CNS_ALLOCATED_NS_ID, f->nsid, 0, &ns);

	rc = rc ? rc : nvsr_ns_create(l->pf, le64_get(ns.nsze), ns.flbas, ns.nmic & 1, &nsid);
	rc = rc ? rc : nvsr_ns_delete(l->pf, nsid);
	rc = rc ? rc : nvsr_ns_detach(l->pf, f->nsid, f->cntlid);
	if (rc)
		return rc;
	nvsr_layout_wait_gone(f->bdf, f->nsid);
	start = nvsr_now_ns();
	rc = nvsr_ns_delete(l->pf, f->nsid);
	rc = rc ? rc : nvsr_ns_create(l->pf, le64_get(ns.nsze), ns.flbas, ns.nmic & 1, &nsid);
	*ret_ns = nvsr_now_ns() - start;
	if (!rc)
		f->nsid = nsid;
	return rc ? rc : nvsr_ns_attach(l->pf, f->nsid, f->cntlid);
}

static const struct {
	const char *text;
	uint16_t oacs;
	uint8_t fna, not_fna;	/* bits that must be there, and that would make it everybody's */
	int (*erase)(struct nvsr_layout *l, struct nvsr_layout_fn *f, uint64_t *ret_ns);
} ways[] = {
	{ "Format NVM, cryptographic erase", NVME_OACS_FORMAT, NVME_FNA_CRYPTO, NVME_FNA_FORMAT_ALL | NVME_FNA_ERASE_ALL, format_crypto },
	{ "Format NVM, user data erase", NVME_OACS_FORMAT, 0, NVME_FNA_FORMAT_ALL | NVME_FNA_ERASE_ALL, format_user },
	{ "namespace deleted and made anew", NVME_OACS_NS_MGMT, 0, 0, make_anew },
};

const char *nvsr_cap_erase(struct nvsr_layout *l, uint64_t *ret_ns, struct nvsr_text *why)
{
	const struct nvme_id_ctrl *id = &l->inv.id;

	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(ways) && !nvsr_stop; i++) {
		int rc;

		if (!(le16_get(id->oacs) & ways[i].oacs) || (id->fna & ways[i].fna) != ways[i].fna) {
			nvsr_text_add(why, "%s: the device does not have it; ", ways[i].text);
			continue;
		}
		if (id->fna & ways[i].not_fna) {
			nvsr_text_add(why, "%s: would erase the other tenants' namespaces too (FNA %02x); ", ways[i].text, id->fna);
			continue;
		}
		rc = ways[i].erase(l, &l->fn[1], ret_ns);
		if (!rc)
			return ways[i].text;
		nvsr_text_add(why, "%s: %s; ", ways[i].text, nvsr_rc_text(rc));
	}
	return NULL;
}

/* --- tenants ------------------------------------------------------------------------------------------------------------------- */

/* Lines of the pattern that guest 0 finds. */
static int search(struct nvsr_cap *c, const char *mark, uint64_t bytes, unsigned long *ret, struct nvsr_complaint *complaint)
{
	_cleanup_free_ char *text = NULL, *script = nvsr_asprintf(
		"echo 3 > /proc/sys/vm/drop_caches\n"
		"n=$(dd if=$DISK bs=65536 count=%" PRIu64 " 2> err | tr -d '\\000' | grep -a -c '%s')\n"
		"echo $n\n", bytes / 65536, mark);
	int rc = script ? nvsr_cap_script(c, 0, script, SCRIPT_S, &text, complaint) : -ENOMEM;
	char *end;

	if (rc)
		return rc;
	*ret = strtoul(text, &end, 10);
	if (end != text && *end == '\n')
		return 0;
	snprintf(complaint->text, sizeof(complaint->text), "the search says: %.100s", text);
	return -EPROTO;
}

static int write_pattern(struct nvsr_cap *c, const char *mark, uint64_t bytes, struct nvsr_complaint *complaint)
{
	_cleanup_free_ char *text = NULL, *script = nvsr_asprintf(
		"yes '%s' | head -c 65536 > part\nfor i in $(seq 16); do cat part; done > piece\n"
		"for i in $(seq 0 %" PRIu64 "); do\n"
		"\tdd if=piece of=$DISK bs=1048576 seek=$i count=1 conv=notrunc,fsync 2> err || { cat err; exit 4; }\ndone\n",
		mark, bytes / (1u << 20) - 1);

	return script ? nvsr_cap_script(c, 0, script, SCRIPT_S, &text, complaint) : -ENOMEM;
}

/* The second tenant is another guest. */
static int change_tenant(struct nvsr_cap *c, struct nvsr_cap_result *r, const char **ret_how, uint64_t *ret_ns,
			 struct nvsr_complaint *complaint)
{
	struct nvsr_text why __attribute__((cleanup(nvsr_text_free))) = { 0 };
	int rc;

	nvsr_cap_stop(c, 0);
	/* Given back by libvirt, where it had it: the host's driver again. */
	rc = nvsr_layout_bind(c->host.layout.fn[1].bdf, "nvme");
	if (rc)
		return rc;
	*ret_how = nvsr_cap_erase(&c->host.layout, ret_ns, &why);
	if (!*ret_how && nvsr_stop)
		return -EINTR;
	if (why.s)
		nvsr_text_add(&r->text, "%s", why.s);
	return *ret_how ? nvsr_cap_first(c, complaint) : 0;
}

void nvsr_cap_security(struct nvsr_cap *c, struct nvsr_cap_result *r)
{
	uint64_t bytes = NVSR_MIN(c->host.layout.fn[1].bytes, (uint64_t)BYTES) & ~(uint64_t)0xfffff, ns = 0;
	struct nvsr_complaint complaint = { "" };
	unsigned long before = 0, after = 0;
	const char *how = NULL;
	char mark[LINE + 1];
	int rc;

	snprintf(mark, sizeof(mark), "tenant one %020" PRIu64, (c->host.guests->run + c->host.guests->booted) * 2654435761u);
	rc = write_pattern(c, mark, bytes, &complaint);
	if (!rc)
		rc = search(c, mark, bytes, &before, &complaint);
	if (!rc && before != bytes / LINE) {
		snprintf(complaint.text, sizeof(complaint.text), "the first tenant finds %lu of its own %" PRIu64 " lines", before, bytes / LINE);
		rc = -EIO;
	}
	if (!rc)
		rc = change_tenant(c, r, &how, &ns, &complaint);
	if (!rc && !how) {
		nvsr_cap_say(r, NVSR_CAP_NO, "nothing of that erases one tenant's namespace");
		return;
	}
	if (!rc)
		rc = search(c, mark, bytes, &after, &complaint);
	if (rc) {
		nvsr_cap_broke(r, "change of tenant", rc, &complaint);
		return;
	}
	r->leak = after != 0;
	nvsr_cap_number(r, "erase_s", (double)ns / 1e9);
	nvsr_cap_number(r, "pattern_bytes", (double)bytes);
	nvsr_cap_number(r, "lines_found", (double)after);
	nvsr_cap_say(r, after ? NVSR_CAP_NO : NVSR_CAP_YES, "%s in %.3f s; of %" PRIu64 " MiB that the first guest wrote and read back, the next found %lu of %"
		     PRIu64 " lines", how, (double)ns / 1e9, bytes >> 20, after, bytes / LINE);
}
