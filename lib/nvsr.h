/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The only header that suites and runners include for the library. */
#ifndef NVSR_H
#define NVSR_H

#include "base/base.h"
#include "base/kmsg.h"
#include "base/le.h"
#include "base/text.h"
#include "base/time.h"
#include "device/device.h"
#include "device/load.h"
#include "device/serve.h"
#include "model/model.h"
#include "profile/matrix.h"
#include "profile/profile.h"
#include "result/result.h"
#include "spec/needs.h"
#include "spec/nvme.h"
#include "spec/pcie.h"
#include "spec/requirement.h"
#include "sriov/sriov.h"
#include "test/harness.h"
#include "test/test.h"

#endif
