/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text in XML and HTML.  Inside reports only. */
#ifndef NVSR_REPORTS_XML_H
#define NVSR_REPORTS_XML_H

#include <stdio.h>

/* @s with the five characters escaped that mean something, and those replaced that XML 1.0 forbids.  NULL writes nothing. */
void nvsr_xml_put(FILE *f, const char *s);

#endif
