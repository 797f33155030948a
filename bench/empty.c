/* SPDX-License-Identifier: MIT */
/*
 * The program that does nothing: what it costs is the loader's and the allocator's
 * start-up. syscall_trace is compared with it.
 */

int main(void)
{
	return 0;
}
