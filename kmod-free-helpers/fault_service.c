/* SPDX-License-Identifier: MIT */
/*
 * userfaultfd calls: open and handshake, arm, install, strays. Called by populate*
 * and fault_probe. Always for user mode only: the kernel's own accesses to a missing page
 * then fail instead of waiting for us, so debuggers and mlockall never hang on a helper.
 */
#include <config.h>

#include "kmod-free-helpers/fault_service.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#include "kmod-free-helpers/kernel_abi.h"
#include "support/arch.h"
#include "support/page_size.h"
#include "support/system_call.h"


/* How often in a row the kernel may say "again" without progress before we give up. */
#define FRUITLESS_TRIES 64

/*
 * Events of madvise and fork are left out: each would make its caller wait for us.
 * WP_ASYNC is for `hakctl map --heat`, which borrows the descriptor; we protect nothing.
 */
#define FEATURES_WANTED                                                                \
	(UFFD_FEATURE_MOVE | UFFD_FEATURE_THREAD_ID | UFFD_FEATURE_EXACT_ADDRESS | \
	 UFFD_FEATURE_WP_ASYNC)

#define OPEN_FLAGS (O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY)

static long request(int descriptor, unsigned long number, void *argument)
{
	return system_call(SYS_ioctl, descriptor, number, argument);
}

static int open_by_device(void)
{
	int device = (int)system_call(SYS_openat, AT_FDCWD, "/dev/userfaultfd",
				      O_RDWR | O_CLOEXEC, 0);
	int descriptor;

	if (device < 0)
		return device;
	descriptor = (int)request(device, USERFAULTFD_IOC_NEW, (void *)(uintptr_t)OPEN_FLAGS);
	system_call(SYS_close, device);
	return descriptor;
}

/* The system call's errno is the one reported: the device is root's nearly everywhere. */
static int open_descriptor(bool *from_device)
{
	int descriptor = (int)system_call(SYS_userfaultfd, OPEN_FLAGS), error = descriptor;

	*from_device = false;
	if (descriptor >= 0)
		return descriptor;
	descriptor = open_by_device();
	if (descriptor < 0)
		return error;
	*from_device = true;
	return descriptor;
}

static int shake_hands(int descriptor, uint64_t wanted, uint64_t *offered)
{
	struct uffdio_api api = { .api = UFFD_API, .features = wanted };

	int error = (int)request(descriptor, UFFDIO_API, &api);

	if (!error)
		*offered = api.features;
	return error;
}

/* A descriptor shakes hands once; what the kernel offers is learned on a second one. */
static int learn_features(uint64_t *offered)
{
	bool from_device;
	int descriptor = open_descriptor(&from_device);
	int error;

	if (descriptor < 0)
		return descriptor;
	error = shake_hands(descriptor, 0, offered);
	system_call(SYS_close, descriptor);
	return error;
}

static int agree_on_features(struct fault_service *service, uint64_t wanted)
{
	uint64_t offered = 0;
	int error = shake_hands(service->descriptor, wanted, &offered);

	if (error == -EINVAL) {
		error = learn_features(&offered);
		if (error)
			return error;
		wanted &= offered;
		error = shake_hands(service->descriptor, wanted, &offered);
	}
	if (!error)
		service->features = wanted & offered;
	return error;
}

int fault_service_open(struct fault_service *service, unsigned int flags)
{
	uint64_t wanted = FEATURES_WANTED;
	long mapped;
	int error;

	*service = (struct fault_service){ .descriptor = -1 };
	if (flags & FAULT_SERVICE_WITHOUT_MOVE)
		wanted &= ~(uint64_t)UFFD_FEATURE_MOVE;
	service->descriptor = open_descriptor(&service->from_device);
	if (service->descriptor < 0)
		return service->descriptor;
	mapped = system_call(SYS_mmap, NULL, page_size(), PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS,
			     -1, 0ul);
	if (system_call_failed(mapped)) {
		error = (int)mapped;
	} else {
		service->zero_page = (void *)mapped;
		error = agree_on_features(service, wanted);
	}
	if (error)
		fault_service_close(service);
	return error;
}

/* Whoever waits for an answer is woken by this, and every armed range becomes plain. */
void fault_service_close(struct fault_service *service)
{
	if (service->descriptor >= 0)
		system_call(SYS_close, service->descriptor);
	if (service->zero_page)
		system_call(SYS_munmap, service->zero_page, page_size());
	*service = (struct fault_service){ .descriptor = -1 };
}

int fault_service_arm(struct fault_service *service, void *start, size_t length)
{
	struct uffdio_register range = {
		.range = { .start = (uintptr_t)start, .len = length },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};

	return (int)request(service->descriptor, UFFDIO_REGISTER, &range);
}

int fault_service_disarm(struct fault_service *service, void *start, size_t length)
{
	struct uffdio_range range = { .start = (uintptr_t)start, .len = length };

	return (int)request(service->descriptor, UFFDIO_UNREGISTER, &range);
}

static int wake(struct fault_service *service, void *start, size_t length)
{
	struct uffdio_range range = { .start = (uintptr_t)start, .len = length };

	return (int)request(service->descriptor, UFFDIO_WAKE, &range);
}

/* One request each: bytes installed, or -errno. Fewer than asked for is no error. */
static int64_t move_once(int descriptor, uintptr_t to, uintptr_t from, size_t length)
{
	struct kernel_abi_move move = { .to = to, .from = from, .length_bytes = length };

	long error = request(descriptor, KERNEL_ABI_UFFDIO_MOVE, &move);

	if (error == 0)
		return (int64_t)length;
	/* The argument is written only by a kernel that got as far as moving. */
	return move.moved ? move.moved : error;
}

static int64_t copy_once(int descriptor, uintptr_t to, uintptr_t from, size_t length)
{
	struct uffdio_copy copy = { .dst = to, .src = from, .len = length };

	long error = request(descriptor, UFFDIO_COPY, &copy);

	if (error == 0)
		return (int64_t)length;
	return copy.copy ? copy.copy : error;
}

typedef int64_t install_once(int descriptor, uintptr_t to, uintptr_t from, size_t length);

static int install(struct fault_service *service, install_once *once, uintptr_t to,
		   uintptr_t from, size_t length, struct fault_install *done)
{
	unsigned int fruitless = 0;
	size_t offset = 0;

	*done = (struct fault_install){ 0 };
	while (offset < length) {
		int64_t result = once(service->descriptor, to + offset, from + offset,
				      length - offset);

		if (result > 0) {
			done->installed_bytes += (size_t)result;
			offset += (size_t)result;
			fruitless = 0;
		} else if (result == -EEXIST) {
			done->existing_bytes += page_size();
			offset += page_size();
		} else if (result != -EAGAIN) {
			return (int)result;
		} else if (++fruitless == FRUITLESS_TRIES) {
			return -EAGAIN;
		}
	}
	/* A thread that strayed onto a page before it existed still sleeps there. */
	if (done->existing_bytes)
		return wake(service, (void *)to, length);
	return 0;
}

int fault_service_move(struct fault_service *service, void *to, void *from, size_t length,
		       struct fault_install *done)
{
	if (!fault_service_has_move(service)) {
		*done = (struct fault_install){ 0 };
		return -EOPNOTSUPP;
	}
	return install(service, move_once, (uintptr_t)to, (uintptr_t)from, length, done);
}

int fault_service_copy(struct fault_service *service, void *to, const void *from,
		       size_t length, struct fault_install *done)
{
	return install(service, copy_once, (uintptr_t)to, (uintptr_t)from, length, done);
}

int fault_service_mend(void *start)
{
	if (!page_size_divides(start, ARCH_HUGE_PAGE_BYTES))
		return -EINVAL;
	long error = system_call(SYS_madvise, start, ARCH_HUGE_PAGE_BYTES, MADV_DONTNEED);

	/* After mlockall only the other one is allowed. */
	if (error == -EINVAL)
		error = system_call(SYS_madvise, start, ARCH_HUGE_PAGE_BYTES, MADV_DONTNEED_LOCKED);
	return (int)error;
}

int fault_service_read_strays(struct fault_service *service, struct fault_stray *strays,
			      int capacity)
{
	bool knows_thread = service->features & UFFD_FEATURE_THREAD_ID;
	int count = 0;

	while (count < capacity) {
		struct uffd_msg message;
		long got = system_call(SYS_read, service->descriptor, &message, sizeof(message));

		if (got == -EINTR)
			continue;
		if (got < 0 && got != -EAGAIN && !count)
			return (int)got;
		if (got != (long)sizeof(message))
			break;
		if (message.event != UFFD_EVENT_PAGEFAULT)
			continue;
		strays[count++] = (struct fault_stray){
			.address = (uintptr_t)message.arg.pagefault.address,
			.thread = knows_thread ? (int)message.arg.pagefault.feat.ptid : 0,
			.write = message.arg.pagefault.flags & UFFD_PAGEFAULT_FLAG_WRITE,
		};
	}
	return count;
}

/*
 * A copied page, not ZEROPAGE: that one would map the shared zero page, and the stray's
 * first write would then fault once more, in the kernel's own way, unseen.
 */
int fault_service_answer_stray(struct fault_service *service,
			       const struct fault_stray *stray)
{
	uintptr_t page = stray->address & ~(uintptr_t)(page_size() - 1);
	struct fault_install done;
	int error = fault_service_copy(service, (void *)page, service->zero_page,
				       page_size(), &done);

	/* Disarmed meanwhile, or no memory: let the thread run into what is there now. */
	if (error)
		wake(service, (void *)page, page_size());
	return error == -ENOENT ? 0 : error;
}
