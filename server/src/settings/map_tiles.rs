//! The background of the map, among the settings: an address of tiles and whose they are, both or neither.

use publisher::{MapTiles, TilesFault};

use super::Layers;

const TILES: &str = "map-tiles";
const ATTRIBUTION: &str = "map-attribution";

pub(super) fn read(layers: &mut Layers) -> Option<Option<MapTiles>> {
    let [template, attribution] = [TILES, ATTRIBUTION].map(|name| layers.values[name].0.clone());
    if template.is_empty() {
        return Some(None);
    }
    match MapTiles::new(&template, &attribution) {
        Ok(tiles) => Some(Some(tiles)),
        Err(fault) => layers.value(at_fault(fault), |_| Err(fault.to_string())),
    }
}

/// The setting that is to be corrected.
fn at_fault(fault: TilesFault) -> &'static str {
    if fault.is_of_attribution() { ATTRIBUTION } else { TILES }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{KEY, read_all};
    use super::super::{Mistake, Settings};

    const TEMPLATE: &str = "https://tiles.example/{z}/{x}/{y}.png";

    fn settings(flags: &[&str]) -> Result<Settings, Vec<Mistake>> {
        read_all(flags, &[("JAEGO_PERSON_KEY_HEX", KEY)])
    }

    #[test]
    fn without_tiles_there_is_no_background() {
        assert_eq!(settings(&[]).unwrap().map_tiles, None);
        assert_eq!(settings(&["--map-attribution", "© Somebody"]).unwrap().map_tiles, None);
    }

    #[test]
    fn tiles_and_their_owner_are_told_to_the_page() {
        let told = settings(&["--map-tiles", TEMPLATE, "--map-attribution", "© Somebody"]).unwrap();
        let tiles = told.publisher().tiles.unwrap();
        assert_eq!((tiles.template(), tiles.attribution()), (TEMPLATE, "© Somebody"));
    }

    #[test]
    fn a_mistake_names_the_setting_that_is_to_be_corrected() {
        let owner = ["--map-attribution", "© Somebody"];
        for (template, flags, at_fault) in [
            (TEMPLATE, &[][..], "map-attribution"),
            ("https://tiles.example/{z}/{x}.png", &owner, "map-tiles"),
            ("http://tiles.example/{z}/{x}/{y}.png", &owner, "map-tiles"),
            ("https://{s}.example/{z}/{x}/{y}.png", &owner, "map-tiles"),
        ] {
            let mistakes = settings(&[&["--map-tiles", template], flags].concat()).unwrap_err();
            let [Mistake::Value { name, why, .. }] = &mistakes[..] else { panic!("{mistakes:?}") };
            assert_eq!(*name, at_fault, "{template}: {why}");
            assert!(mistakes[0].to_string().starts_with(at_fault), "{mistakes:?}");
        }
    }
}
