/*
 * A stand-in for bcryptprimitives.dll, which Wine before 9 does not have and Go programs need for random numbers. It
 * offers the one function that Go imports, over RtlGenRandom, which advapi32 exports as SystemFunction036. It serves
 * tests only and is never part of a release.
 */
#include <windows.h>

BOOLEAN WINAPI SystemFunction036(PVOID buffer, ULONG length);

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T length)
{
	while (length > 0) {
		ULONG part = length > 0x10000000 ? 0x10000000 : (ULONG)length;
		if (!SystemFunction036(data, part))
			return FALSE;
		data += part;
		length -= part;
	}
	return TRUE;
}
