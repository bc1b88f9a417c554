//! The CRCs of the catalogue by their names, and CRCs by their parameters.

/// The most bits that a CRC has.
pub const WIDEST: u8 = 128;

/// The parameters of a CRC, as the catalogue of parametrised CRC algorithms names them.
///
/// `1 <= width <= WIDEST`; `poly`, `init` and `xorout` have no bits beyond `width`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Model {
    width: u8,
    poly: u128,
    init: u128,
    refin: bool,
    refout: bool,
    xorout: u128,
}

/// In which order a CRC takes the bits of an octet, and gives its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reflected {
    /// The lowest bit of each octet goes in first.
    pub input: bool,
    /// The bits of the result are turned round.
    pub output: bool,
}

impl Model {
    /// Makes a model; `None` if the width is out of range or a number has bits beyond it.
    pub fn new(width: u8, poly: u128, init: u128, xorout: u128, reflected: Reflected) -> Option<Model> {
        let fits = |number: u128| number & !mask(width) == 0;
        let is_sound = (1..=WIDEST).contains(&width) && fits(poly) && fits(init) && fits(xorout);
        let Reflected { input: refin, output: refout } = reflected;
        is_sound.then_some(Model { width, poly, init, refin, refout, xorout })
    }

    /// Returns how many bits the checksum has.
    pub fn width(&self) -> u8 {
        self.width
    }

    /// Returns the checksum.
    pub fn checksum(&self, octets: &[u8]) -> u128 {
        let (mask, top) = (mask(self.width), self.width - 1);
        let mut register = self.init;
        for octet in octets {
            let mut bits = if self.refin { octet.reverse_bits() } else { *octet };
            for _ in 0..u8::BITS {
                let carry = (register >> top & 1) as u8 ^ bits >> 7;
                register = register << 1 & mask;
                if carry == 1 {
                    register ^= self.poly;
                }
                bits <<= 1;
            }
        }
        if self.refout {
            register = register.reverse_bits() >> (u128::BITS - u32::from(self.width));
        }
        register ^ self.xorout
    }
}

/// Returns the CRC that the catalogue has under this name.
pub fn find(name: &str) -> Option<Model> {
    CATALOGUE.iter().find(|entry| entry.name == name).map(|entry| entry.model)
}

/// Returns the names of the catalogue, in its order.
pub fn names() -> impl Iterator<Item = &'static str> {
    CATALOGUE.iter().map(|entry| entry.name)
}

/// Returns the name of the catalogue for what manuals and libraries call a CRC; letter case and punctuation do not count.
pub fn name_for(called: &str) -> Option<&'static str> {
    let bare = |name: &str| -> String {
        name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect()
    };
    let called = bare(called);
    let alias = ALIASES.iter().find(|(alias, _)| {
        let (family, variant) = alias.split_once('/').unwrap_or((alias, ""));
        called == bare(alias) || !variant.is_empty() && !family.is_empty() && called == bare(variant)
    });
    let whole = || names().find(|name| bare(name) == called);
    // A variant that several widths have does not say which is meant.
    let variant = || {
        let mut named = names().filter(|name| name.split_once('/').is_some_and(|(_, variant)| bare(variant) == called));
        named.next().filter(|_| named.next().is_none())
    };
    whole().or_else(|| alias.map(|(_, name)| *name)).or_else(variant)
}

/// A CRC of the catalogue.
struct Entry {
    name: &'static str,
    model: Model,
    /// What the catalogue says that `123456789` has; for the test.
    #[cfg_attr(not(test), expect(dead_code, reason = "a test compares it"))]
    check: u128,
}

/// What manuals and libraries call CRCs that the catalogue has under another name.
const ALIASES: &[(&str, &str)] = &[
    ("CRC-8", "CRC-8/SMBUS"),
    ("CRC-8/CCITT", "CRC-8/SMBUS"),
    ("CRC-8/DALLAS", "CRC-8/MAXIM-DOW"),
    ("CRC-8/MAXIM", "CRC-8/MAXIM-DOW"),
    ("CRC-8/J1850", "CRC-8/SAE-J1850"),
    ("CRC-16", "CRC-16/ARC"),
    ("CRC-16/IBM", "CRC-16/ARC"),
    ("CRC-16/LHA", "CRC-16/ARC"),
    ("CRC-16/ACORN", "CRC-16/XMODEM"),
    ("CRC-16/ZMODEM", "CRC-16/XMODEM"),
    ("CRC-16/LTE", "CRC-16/XMODEM"),
    ("CRC-CCITT", "CRC-16/KERMIT"),
    ("CRC-16/CCITT", "CRC-16/KERMIT"),
    ("CRC-16/CCITT-TRUE", "CRC-16/KERMIT"),
    ("CRC-16/BLUETOOTH", "CRC-16/KERMIT"),
    ("CRC-16/CCITT-FALSE", "CRC-16/IBM-3740"),
    ("CRC-16/AUTOSAR", "CRC-16/IBM-3740"),
    ("CRC-16/AUG-CCITT", "CRC-16/SPI-FUJITSU"),
    ("CRC-16/BUYPASS", "CRC-16/UMTS"),
    ("CRC-16/EPC", "CRC-16/GENIBUS"),
    ("CRC-16/X-25", "CRC-16/IBM-SDLC"),
    ("CRC-16/X25", "CRC-16/IBM-SDLC"),
    ("CRC-B", "CRC-16/IBM-SDLC"),
    ("CRC-A", "CRC-16/ISO-IEC-14443-3-A"),
    ("CRC-24", "CRC-24/OPENPGP"),
    ("CRC-32", "CRC-32/ISO-HDLC"),
    ("CRC-32/ADCCP", "CRC-32/ISO-HDLC"),
    ("CRC-32/PKZIP", "CRC-32/ISO-HDLC"),
    ("CRC-32/IEEE", "CRC-32/ISO-HDLC"),
    ("CRC-32C", "CRC-32/ISCSI"),
    ("CRC-32/CASTAGNOLI", "CRC-32/ISCSI"),
    ("CRC-32/POSIX", "CRC-32/CKSUM"),
    ("CRC-64", "CRC-64/ECMA-182"),
];

/// The bits of a number of this width.
const fn mask(width: u8) -> u128 {
    if width >= 128 { u128::MAX } else { (1 << width) - 1 }
}

/// Makes an entry of an algorithm of the crate, whatever number holds it.
macro_rules! entry {
    ($name:literal, $algorithm:ident) => {
        Entry {
            name: $name,
            model: Model {
                width: crc::$algorithm.width,
                poly: crc::$algorithm.poly as u128,
                init: crc::$algorithm.init as u128,
                refin: crc::$algorithm.refin,
                refout: crc::$algorithm.refout,
                xorout: crc::$algorithm.xorout as u128,
            },
            check: crc::$algorithm.check as u128,
        }
    };
}

/// Every CRC of the catalogue, by its name.
#[rustfmt::skip]
const CATALOGUE: &[Entry] = &[
    entry!("CRC-3/GSM", CRC_3_GSM),
    entry!("CRC-3/ROHC", CRC_3_ROHC),
    entry!("CRC-4/G-704", CRC_4_G_704),
    entry!("CRC-4/INTERLAKEN", CRC_4_INTERLAKEN),
    entry!("CRC-5/EPC-C1G2", CRC_5_EPC_C1G2),
    entry!("CRC-5/G-704", CRC_5_G_704),
    entry!("CRC-5/USB", CRC_5_USB),
    entry!("CRC-6/CDMA2000-A", CRC_6_CDMA2000_A),
    entry!("CRC-6/CDMA2000-B", CRC_6_CDMA2000_B),
    entry!("CRC-6/DARC", CRC_6_DARC),
    entry!("CRC-6/G-704", CRC_6_G_704),
    entry!("CRC-6/GSM", CRC_6_GSM),
    entry!("CRC-7/MMC", CRC_7_MMC),
    entry!("CRC-7/ROHC", CRC_7_ROHC),
    entry!("CRC-7/UMTS", CRC_7_UMTS),
    entry!("CRC-8/AUTOSAR", CRC_8_AUTOSAR),
    entry!("CRC-8/BLUETOOTH", CRC_8_BLUETOOTH),
    entry!("CRC-8/CDMA2000", CRC_8_CDMA2000),
    entry!("CRC-8/DARC", CRC_8_DARC),
    entry!("CRC-8/DVB-S2", CRC_8_DVB_S2),
    entry!("CRC-8/GSM-A", CRC_8_GSM_A),
    entry!("CRC-8/GSM-B", CRC_8_GSM_B),
    entry!("CRC-8/HITAG", CRC_8_HITAG),
    entry!("CRC-8/I-432-1", CRC_8_I_432_1),
    entry!("CRC-8/I-CODE", CRC_8_I_CODE),
    entry!("CRC-8/LTE", CRC_8_LTE),
    entry!("CRC-8/MAXIM-DOW", CRC_8_MAXIM_DOW),
    entry!("CRC-8/MIFARE-MAD", CRC_8_MIFARE_MAD),
    entry!("CRC-8/NRSC-5", CRC_8_NRSC_5),
    entry!("CRC-8/OPENSAFETY", CRC_8_OPENSAFETY),
    entry!("CRC-8/ROHC", CRC_8_ROHC),
    entry!("CRC-8/SAE-J1850", CRC_8_SAE_J1850),
    entry!("CRC-8/SMBUS", CRC_8_SMBUS),
    entry!("CRC-8/TECH-3250", CRC_8_TECH_3250),
    entry!("CRC-8/WCDMA", CRC_8_WCDMA),
    entry!("CRC-10/ATM", CRC_10_ATM),
    entry!("CRC-10/CDMA2000", CRC_10_CDMA2000),
    entry!("CRC-10/GSM", CRC_10_GSM),
    entry!("CRC-11/FLEXRAY", CRC_11_FLEXRAY),
    entry!("CRC-11/UMTS", CRC_11_UMTS),
    entry!("CRC-12/CDMA2000", CRC_12_CDMA2000),
    entry!("CRC-12/DECT", CRC_12_DECT),
    entry!("CRC-12/GSM", CRC_12_GSM),
    entry!("CRC-12/UMTS", CRC_12_UMTS),
    entry!("CRC-13/BBC", CRC_13_BBC),
    entry!("CRC-14/DARC", CRC_14_DARC),
    entry!("CRC-14/GSM", CRC_14_GSM),
    entry!("CRC-15/CAN", CRC_15_CAN),
    entry!("CRC-15/MPT1327", CRC_15_MPT1327),
    entry!("CRC-16/ARC", CRC_16_ARC),
    entry!("CRC-16/CDMA2000", CRC_16_CDMA2000),
    entry!("CRC-16/CMS", CRC_16_CMS),
    entry!("CRC-16/DDS-110", CRC_16_DDS_110),
    entry!("CRC-16/DECT-R", CRC_16_DECT_R),
    entry!("CRC-16/DECT-X", CRC_16_DECT_X),
    entry!("CRC-16/DNP", CRC_16_DNP),
    entry!("CRC-16/EN-13757", CRC_16_EN_13757),
    entry!("CRC-16/GENIBUS", CRC_16_GENIBUS),
    entry!("CRC-16/GSM", CRC_16_GSM),
    entry!("CRC-16/IBM-3740", CRC_16_IBM_3740),
    entry!("CRC-16/IBM-SDLC", CRC_16_IBM_SDLC),
    entry!("CRC-16/ISO-IEC-14443-3-A", CRC_16_ISO_IEC_14443_3_A),
    entry!("CRC-16/KERMIT", CRC_16_KERMIT),
    entry!("CRC-16/LJ1200", CRC_16_LJ1200),
    entry!("CRC-16/M17", CRC_16_M17),
    entry!("CRC-16/MAXIM-DOW", CRC_16_MAXIM_DOW),
    entry!("CRC-16/MCRF4XX", CRC_16_MCRF4XX),
    entry!("CRC-16/MODBUS", CRC_16_MODBUS),
    entry!("CRC-16/NRSC-5", CRC_16_NRSC_5),
    entry!("CRC-16/OPENSAFETY-A", CRC_16_OPENSAFETY_A),
    entry!("CRC-16/OPENSAFETY-B", CRC_16_OPENSAFETY_B),
    entry!("CRC-16/PROFIBUS", CRC_16_PROFIBUS),
    entry!("CRC-16/RIELLO", CRC_16_RIELLO),
    entry!("CRC-16/SPI-FUJITSU", CRC_16_SPI_FUJITSU),
    entry!("CRC-16/T10-DIF", CRC_16_T10_DIF),
    entry!("CRC-16/TELEDISK", CRC_16_TELEDISK),
    entry!("CRC-16/TMS37157", CRC_16_TMS37157),
    entry!("CRC-16/UMTS", CRC_16_UMTS),
    entry!("CRC-16/USB", CRC_16_USB),
    entry!("CRC-16/XMODEM", CRC_16_XMODEM),
    entry!("CRC-17/CAN-FD", CRC_17_CAN_FD),
    entry!("CRC-21/CAN-FD", CRC_21_CAN_FD),
    entry!("CRC-24/BLE", CRC_24_BLE),
    entry!("CRC-24/FLEXRAY-A", CRC_24_FLEXRAY_A),
    entry!("CRC-24/FLEXRAY-B", CRC_24_FLEXRAY_B),
    entry!("CRC-24/INTERLAKEN", CRC_24_INTERLAKEN),
    entry!("CRC-24/LTE-A", CRC_24_LTE_A),
    entry!("CRC-24/LTE-B", CRC_24_LTE_B),
    entry!("CRC-24/OPENPGP", CRC_24_OPENPGP),
    entry!("CRC-24/OS-9", CRC_24_OS_9),
    entry!("CRC-30/CDMA", CRC_30_CDMA),
    entry!("CRC-31/PHILIPS", CRC_31_PHILIPS),
    entry!("CRC-32/AIXM", CRC_32_AIXM),
    entry!("CRC-32/AUTOSAR", CRC_32_AUTOSAR),
    entry!("CRC-32/BASE91-D", CRC_32_BASE91_D),
    entry!("CRC-32/BZIP2", CRC_32_BZIP2),
    entry!("CRC-32/CD-ROM-EDC", CRC_32_CD_ROM_EDC),
    entry!("CRC-32/CKSUM", CRC_32_CKSUM),
    entry!("CRC-32/ISCSI", CRC_32_ISCSI),
    entry!("CRC-32/ISO-HDLC", CRC_32_ISO_HDLC),
    entry!("CRC-32/JAMCRC", CRC_32_JAMCRC),
    entry!("CRC-32/MEF", CRC_32_MEF),
    entry!("CRC-32/MPEG-2", CRC_32_MPEG_2),
    entry!("CRC-32/XFER", CRC_32_XFER),
    entry!("CRC-40/GSM", CRC_40_GSM),
    entry!("CRC-64/ECMA-182", CRC_64_ECMA_182),
    entry!("CRC-64/GO-ISO", CRC_64_GO_ISO),
    entry!("CRC-64/MS", CRC_64_MS),
    entry!("CRC-64/NVME", CRC_64_NVME),
    entry!("CRC-64/REDIS", CRC_64_REDIS),
    entry!("CRC-64/WE", CRC_64_WE),
    entry!("CRC-64/XZ", CRC_64_XZ),
    entry!("CRC-82/DARC", CRC_82_DARC),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_of_the_catalogue_has_its_check_value() {
        assert_eq!(CATALOGUE.len(), 113);
        for entry in CATALOGUE {
            assert_eq!(entry.model.checksum(b"123456789"), entry.check, "{}", entry.name);
            assert_eq!(find(entry.name), Some(entry.model), "{}", entry.name);
        }
        // From the catalogue itself, not from the crate.
        let published = [
            ("CRC-16/XMODEM", 0x31c3),
            ("CRC-16/KERMIT", 0x2189),
            ("CRC-16/DNP", 0xea82),
            ("CRC-8/MAXIM-DOW", 0xa1),
            ("CRC-5/USB", 0x19),
            ("CRC-24/OPENPGP", 0x21_cf02),
            ("CRC-32/ISCSI", 0xe306_9283),
            ("CRC-64/XZ", 0x995d_c9bb_df19_39fa),
            ("CRC-82/DARC", 0x0_9ea8_3f62_5023_801f_d612),
        ];
        for (name, check) in published {
            assert_eq!(find(name).map(|model| model.checksum(b"123456789")), Some(check), "{name}");
        }
    }

    #[test]
    fn the_engine_of_the_crate_gives_the_same() {
        let octets: Vec<u8> = (0..=255).chain([7; 100]).collect();
        let modbus = crc::Crc::<u16>::new(&crc::CRC_16_MODBUS).checksum(&octets);
        assert_eq!(find("CRC-16/MODBUS").map(|model| model.checksum(&octets)), Some(modbus.into()));
        let umts = crc::Crc::<u16>::new(&crc::CRC_12_UMTS).checksum(&octets);
        assert_eq!(find("CRC-12/UMTS").map(|model| model.checksum(&octets)), Some(umts.into()));
    }

    #[test]
    fn what_manuals_call_a_crc_leads_to_its_name() {
        for (called, name) in [
            ("crc16-xmodem", "CRC-16/XMODEM"),
            ("XMODEM", "CRC-16/XMODEM"),
            ("modbus", "CRC-16/MODBUS"),
            ("CRC-16/CCITT-FALSE", "CRC-16/IBM-3740"),
            ("ccitt_false", "CRC-16/IBM-3740"),
            ("crc32", "CRC-32/ISO-HDLC"),
            ("CRC16", "CRC-16/ARC"),
        ] {
            assert_eq!(name_for(called), Some(name), "{called}");
        }
        assert_eq!(name_for("AUTOSAR"), Some("CRC-16/IBM-3740"));
        assert_eq!(name_for("CDMA2000"), None, "of 8 or of 16 bits");
        assert_eq!(name_for(""), None);
        for (_, name) in ALIASES {
            assert!(find(name).is_some(), "{name}");
        }
    }

    #[test]
    fn a_model_holds_what_its_width_holds() {
        let plain = Reflected { input: false, output: false };
        assert!(Model::new(0, 1, 0, 0, plain).is_none());
        assert!(Model::new(8, 0x100, 0, 0, plain).is_none());
        assert!(Model::new(129, 1, 0, 0, plain).is_none());
        let widest = Model::new(128, 0x87, u128::MAX, 0, Reflected { input: true, output: true }).expect("a model");
        assert_ne!(widest.checksum(b"1"), widest.checksum(b"2"));
    }
}
